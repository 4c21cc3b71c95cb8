"""'What happens if I say …?': the real policy and the real script, with nothing sent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from safety.policy import TierPlan, load_policy
from safety.triage.facts import StudentFacts
from safety.triage.opening import open_triage
from safety.triage.step import Digest, OpenCase, Page, ScriptStep
from safety.triage.words import words_for
from safety.types import Mode, Screening


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What would be said, and who would be told; nothing has been."""

    reply: ScriptStep
    """The reply the student would see, stripped of its state and of every effect."""
    plan: TierPlan | None
    """Who would be told, over which channels and how fast; None where nobody would be."""
    explained: tuple[str, ...]
    """The same in the script's words, one sentence each."""


def rehearse(text: str, screening: Screening, facts: StudentFacts, now: datetime) -> Rehearsal:
    """Walk through what the service would do with a message. Nothing is stored, opened or sent.

    Args:
        text: what the student asks about, shown back to them.
        screening: the verdict on the text from the real screening.
        facts: what is known about the student.
        now: the moment of the question, timezone-aware.
    """
    words = words_for(facts.language)
    explained = [words.text("rehearsal.start", text=text)]
    if screening.clear:
        explained.append(words.text("rehearsal.ordinary"))
        return Rehearsal(ScriptStep(None, mode=Mode.ORDINARY, messages=()), None, tuple(explained))
    step = open_triage(screening, facts, now)
    tier = max(
        (e.tier for e in step.effects if isinstance(e, OpenCase | Page | Digest)), key=lambda t: t.rank, default=None
    )
    plan = None if tier is None or not tier.rank else load_policy().tiers[tier]
    explained.append(words.text(f"rehearsal.{tier.value if tier else 'question'}"))
    explained.append(words.text("rehearsal.end"))
    reply = replace(step, state=None, effects=())
    return Rehearsal(reply, plan, tuple(explained))
