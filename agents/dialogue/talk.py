"""Replies that need no tool: small talk, what the companion is, boundaries with a way on, and not being sure."""

from __future__ import annotations

from agents.dialogue.ledger import Ledger
from agents.dialogue.moves import Move, Plan
from agents.dialogue.phrases import Phrasebook
from agents.dialogue.situation import Situation
from agents.dialogue.speech import day_name, due_words
from agents.dialogue.wording import Act, Part


def talk(plan: Plan, situation: Situation, ledger: Ledger, book: Phrasebook) -> list[Part]:
    """Return the parts of a reply without tools."""
    acts, detail = book.acts, plan.detail
    match plan.move:
        case Move.GREET:
            return _greeting(detail, situation, book)
        case Move.THANKS:
            return [Act((acts["thanks"],)), *([Act((acts["thanks_ask"],))] if ledger.hurting > 1 else [])]
        case Move.BYE:
            pools = [acts["bye_night"], acts["bye"]]
            return [Act(tuple(pools if detail == "night" else pools[::-1]), _name(situation))]
        case Move.ABOUT:
            about = Act((acts[f"about_{detail}"], acts["about_real"], acts["about_skills"]), must_ask=True)
            return [about, Act((acts["about_ask"],))]
        case Move.NEVER_MIND:
            return [Act((acts["never_mind"], acts["stay"]))]
        case Move.COMPLAINT:
            ask = acts["no_questions"] if detail == "quiet" else acts["complaint_ask"]
            return [Act((acts["complaint"],)), Act((ask,), must_ask=True)]
        case Move.UNSURE:
            first = acts["help"] if detail == "help" else acts["start_anywhere"]
            return [Act((first, acts["unsure"], acts["stay"]), must_ask=True)]
        case _:
            return _boundary(plan, book)


def _boundary(plan: Plan, book: Phrasebook) -> list[Part]:
    """What the companion does not do, who does, and a way on; good news, which needs no more than this, too."""
    acts, move, detail = book.acts, plan.move.value, plan.detail
    first = Act((acts.get(f"{move}_{detail}", ()), acts[move]))
    if plan.move is Move.GRADED:
        middle: list[Part] = [Act((acts["graded_why"],))] if detail == "problem" else []
        return [first, *middle, Act((acts[f"graded_{detail}_ask"],), must_ask=True)]
    ask = acts.get(f"{move}_{detail}_ask") or acts[_ASKS.get(plan.move, f"{move}_ask")]
    return [first, Act((ask,))]


_ASKS = {Move.OFF_TOPIC: "off_topic_back"}


def _greeting(detail: str, situation: Situation, book: Phrasebook) -> list[Part]:
    acts = book.acts
    if detail == "how":
        return [Act((acts["how_are_you"],), must_ask=True), Act((acts["greet_ask"],))]
    slots = dict(_name(situation))
    ask = [acts["greet_ask"]]
    soon = next((task for task in situation.tasks if task.due_at and task.due_at > situation.now), None)
    if soon and soon.due_at and (soon.due_at - situation.now).days < 2:
        slots |= {"task": f"“{soon.title}”", "due": due_words(soon.due_at, situation.now, situation.zone)}
        ask.insert(0, acts["greet_due"])
    elif situation.mood:
        slots |= {
            "score": str(situation.mood.score),
            "when": day_name(situation.mood.at, situation.now, situation.zone),
        }
        ask.insert(0, acts["greet_mood"])
    return [
        Act((acts["greet"], acts["greet_plain"]) if situation.name else (acts["greet_plain"],), slots),
        Act(tuple(ask), slots),
    ]


def _name(situation: Situation) -> dict[str, str]:
    return {"name": situation.name} if situation.name else {}
