"""A message as the answer to what the companion asked, offered or showed last."""

from __future__ import annotations

from agents.dialogue.ledger import Ledger, answers
from agents.dialogue.moves import (
    STARTING,
    Move,
    Plan,
    complete,
    create,
    create_all,
    find,
    items_for_list,
    log,
    show_skill,
    topic_of,
)
from agents.dialogue.requests import match_task, mood_number
from agents.dialogue.situation import Call, Situation

SHORT = 80
"""Characters up to which a message is read as the answer to what was asked."""


def answer_to_pending(situation: Situation, ledger: Ledger) -> Plan | None:
    text, reading = situation.reading.text, situation.reading
    if ledger.last_skill and (plan := _about_skill(text, ledger)):
        return plan
    if reading.explicit and reading.intent not in ("unsure", "never_mind"):
        return None
    if ledger.pending == "plan_ask_list" and (plan := items_for_list(situation)):
        return plan
    if ledger.pending is None or len(text) > SHORT:
        return None
    return _filling_in(situation, ledger) or _yes_or_no(situation, ledger)


def _filling_in(situation: Situation, ledger: Ledger) -> Plan | None:
    """The answer names what was asked for: a number, a title, a task, a choice."""
    text = situation.reading.text
    match ledger.pending:
        case "mood_ask_number" | "mood_range" | "mood_none" if number := mood_number(text, True):
            return log(situation, number)
        case "ask_scale" if number := mood_number(text, True):
            return Plan(Move.HEAR, detail=str(number))
        case "good_news" if not situation.reading.pain:
            return Plan(Move.GOOD_NEWS)
        case "task_title_ask":
            return create(situation, text)
        case "task_which" if found := match_task(text, situation.tasks):
            return complete(found)
        case "work_or_feeling":
            return _work_or_feeling(situation, text)
        case "offer_choice" | "offer_skill" | "offer_library" | "skill_failed_ask":
            return _choice(situation, ledger)
        case _:
            return None


def _choice(situation: Situation, ledger: Ledger) -> Plan | None:
    text = situation.reading.text
    if answers("listen", text) and not answers("attempt", text):
        return Plan(Move.LISTEN)
    if answers("no", text):
        return Plan(Move.LISTEN if ledger.pending == "offer_choice" else Move.DECLINED)
    if answers("yes", text) and ledger.pending == "offer_choice" and not answers("attempt", text):
        return Plan(Move.OFFER, topic=topic_of(situation, ledger))
    if answers("attempt", text) or answers("yes", text):
        return show_skill(situation, ledger)
    return None


def _work_or_feeling(situation: Situation, text: str) -> Plan | None:
    if answers("feeling", text):
        return Plan(Move.LISTEN)
    return Plan(Move.PLAN_WORK, tasks=situation.tasks) if answers("sorting", text) or answers("yes", text) else None


def _yes_or_no(situation: Situation, ledger: Ledger) -> Plan | None:
    text = situation.reading.text
    if answers("no", text):
        return Plan(Move.NOT_LISTED) if ledger.pending in ("task_offer", "plan_capture", "done_offer") else None
    if not answers("yes", text):
        return None
    match ledger.pending:
        case "task_offer" | "plan_capture":
            return create_all(situation, ledger.latest)
        case "done_offer":
            return complete(match_task(ledger.latest, situation.tasks))
        case "start_ask" | "due_ask" | "plan_ask_list" | "graded_problem_ask":
            return Plan(Move.START_WORK, (find(STARTING),))
        case "medical_ask" | "medical_meds_ask" | "people_point" | "nothing_for_pain":
            return Plan(Move.LINES, (Call("lines", {}),))
        case _:
            return None


def _about_skill(text: str, ledger: Ledger) -> Plan | None:
    if len(text) > 90:
        return None
    if answers("next", text) and ledger.last_skill:
        return Plan(Move.NEXT_STEPS, (find(ledger.last_skill),))
    if answers("yes", text) and ledger.pending in (None, "skill_after"):
        return Plan(Move.SKILL_GO)
    for name in ("failed", "helped", "done"):
        if answers(name, text):
            return Plan(Move.AFTER_SKILL, detail=name)
    return None
