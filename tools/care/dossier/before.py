"""What changed since the last case: facts against facts. The words of a closed case are the student's alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.ids import CaseId
from db.access import Tx
from safety.triage.words import Words, words_for
from tools.care.dossier.answered import Answered, label_of
from tools.care.dossier.meanings import load_meanings, meaning
from tools.care.facts import CaseFacts
from tools.care.plan import SafetyPlan
from tools.care.queue import colleague_name
from tools.care.terms import MyTerms

OTHERS = """
select id, opened_at, closed_at, category, severity, outcome, claimed_by from cases
where student_id = %s and id <> %s order by opened_at desc limit 10
"""
ANSWERS = """
select distinct on (facts ->> 'item') facts ->> 'item', facts ->> 'value' from case_events
where case_id = %s and kind = 'answer' and facts ? 'value' order by facts ->> 'item', at desc
"""
DIFFERENT = "ag_different"
"""The script's question to somebody who was here before: what is different?"""


@dataclass(frozen=True, slots=True)
class OtherCase:
    """Another case of the student's, mostly of the past: facts only."""

    id: CaseId
    opened_at: datetime
    closed_at: datetime | None
    category: str
    severity: str
    outcome: str | None
    counselor: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not as it was."""

    about: str
    """`category`, `severity`, or the question."""
    before: str
    now: str


@dataclass(frozen=True, slots=True)
class Changed:
    """What is different from the last case."""

    last: OtherCase
    in_their_words: str | None
    """What the student answered to 'What's different?'"""
    changes: tuple[Change, ...]
    """The answers that differ; what was not asked both times is not compared."""
    plan_changed_at: datetime | None
    terms_changed_at: datetime | None


async def read_other_cases(tx: Tx, facts: CaseFacts) -> tuple[OtherCase, ...]:
    """Return the student's other cases that the acting person may see, newest first."""
    cursor = await tx.conn.execute(OTHERS, (facts.student_id, facts.id))
    return tuple(
        [
            OtherCase(
                CaseId(id_), opened, closed, category, severity, outcome,
                await colleague_name(tx, counselor) if counselor else None,
            )
            for id_, opened, closed, category, severity, outcome, counselor in await cursor.fetchall()
        ]
    )  # fmt: skip


async def read_changed(
    tx: Tx,
    facts: CaseFacts,
    others: Sequence[OtherCase],
    answers: Sequence[Answered],
    *,
    plan: SafetyPlan | None,
    terms: MyTerms | None,
    language: str,
) -> Changed | None:
    """Compare a case with the one before it; None where there is none."""
    last = next((other for other in others if other.opened_at <= facts.opened_at), None)
    if last is None:
        return None
    then: dict[str, str] = dict(await (await tx.conn.execute(ANSWERS, (last.id,))).fetchall())
    now = {answer.item: answer for answer in answers}
    different = now.get(DIFFERENT)
    return Changed(
        last=last,
        in_their_words=different.label if different and not different.refused and different.label else None,
        changes=(*_of_the_case(facts, last), *_of_answers(words_for(language), then, now)),
        plan_changed_at=_since(plan.updated_at if plan else None, last),
        terms_changed_at=_since(terms.updated_at if terms else None, last),
    )


def _of_the_case(facts: CaseFacts, last: OtherCase) -> Iterable[Change]:
    for about, before, now in (
        ("category", last.category, facts.category.value),
        ("severity", last.severity, facts.severity.value),
    ):
        if before != now:
            yield Change(about, before, now)


def _of_answers(words: Words, then: Mapping[str, str], now: Mapping[str, Answered]) -> Iterable[Change]:
    for item in (item for items in load_meanings().values() for item in items):
        answer, before = now.get(item), then.get(item)
        if answer is None or answer.open or before is None or before == answer.value:
            continue
        yield Change(item, _says(words, item, before), _says(words, item, answer.value))


def _says(words: Words, item: str, value: str) -> str:
    return meaning(item, value) or label_of(words, item, value)


def _since(moment: datetime | None, last: OtherCase) -> datetime | None:
    return moment if moment is not None and moment > (last.closed_at or last.opened_at) else None
