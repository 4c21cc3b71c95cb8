"""The next move: listen, ask, offer, show a skill, look up, plan work, decline or hand over, and which tools it needs."""

from __future__ import annotations

import re

from agents.dialogue.intents import Route
from agents.dialogue.kinds import about_what, days_meant, exercise_meant, graded_kind, grades_meant, medical_kind
from agents.dialogue.ledger import Ledger, answers
from agents.dialogue.moves import (
    BREATHING,
    STARTING,
    Move,
    Plan,
    complete,
    create,
    find,
    items_for_list,
    log,
    show_skill,
    title_of,
    topic_of,
)
from agents.dialogue.pending import answer_to_pending
from agents.dialogue.requests import match_task, mood_number
from agents.dialogue.situation import Call, Situation
from agents.dialogue.understand import TROUBLE, Reading

WHILE_HURTING = frozenset({"ask_skill", "find_content", "log_mood", "lines", "exercise", "medical", "safety_plan"})
"""Requests that pain in the same message does not set aside."""


def decide(situation: Situation, ledger: Ledger) -> Plan:
    """Choose the move. What was asked last is considered first, then the student's own request."""
    return answer_to_pending(situation, ledger) or _by_intent(situation, ledger)


def _by_intent(situation: Situation, ledger: Ledger) -> Plan:
    """Plain requests are done whatever the mood; everything else gives way to pain."""
    reading = situation.reading
    if answers("listening", reading.text):
        return Plan(Move.LISTEN)
    if answers("panic_now", reading.text):
        return Plan(Move.PANIC, (find(BREATHING),))
    intent = _wanted(situation, ledger)
    return _command(intent, situation) or _boundary(intent, situation) or _conversation(intent, situation, ledger)


def _wanted(situation: Situation, ledger: Ledger) -> str:
    """The intent to act on. While something hurts, a statement is something told and not a request."""
    reading = situation.reading
    hurts = reading.pain >= 2 or ledger.hurting > 0
    if reading.explicit:
        return _explicitly(reading, hurts)
    if reading.intent in ("lines", "never_mind", "complaint") and not reading.asking:
        return "vent" if hurts else "unsure"
    if hurts and reading.route is Route.SMALL_TALK:
        return "vent"
    if reading.intent == "log_mood" and not mood_number(reading.text, False):
        return "vent" if hurts else reading.intent
    if hurts and not reading.asking and reading.intent not in ("log_mood", "exercise", "sleep"):
        return "vent"
    if reading.pain >= 2 and reading.intent not in WHILE_HURTING:
        return "vent"
    return reading.intent if situation.sure else "unsure"


def _explicitly(reading: Reading, hurts: bool) -> str:
    """A pattern was met. A greeting or a thank-you in front of pain is not what the message is about."""
    if reading.intent == "unsure":
        return "help" if "help" in reading.text.lower() else "vent" if hurts else "unsure"
    social = reading.intent in ("greeting", "thanks", "goodbye", "good_news")
    return "vent" if social and reading.pain >= TROUBLE else reading.intent


def _command(intent: str, situation: Situation) -> Plan | None:
    """What a tool does. Nothing is written unless it was asked for in so many words; else the reply asks first."""
    reading = situation.reading
    pained = reading.pain >= 2
    match intent:
        case "log_mood":
            number = mood_number(reading.text, False)
            return log(situation, number) if number else Plan(Move.ASK_NUMBER, hear_first=pained)
        case "mood_history":
            return Plan(Move.MOOD_HISTORY, (Call("mood_history", {"days": days_meant(reading.text, 14)}),))
        case "list_tasks":
            return Plan(Move.LIST, (Call("list_tasks", {}),), hear_first=pained)
        case "whats_due":
            return Plan(Move.DUE, (Call("whats_due", {"days": days_meant(reading.text, 7)}),), hear_first=pained)
        case "create_task":
            plan = create(situation)
            if reading.explicit or not plan.calls:
                return plan
            several = "," in reading.text and items_for_list(situation)
            return several or Plan(Move.OFFER_TASK, detail=title_of(plan))
        case "complete_task":
            found = match_task(reading.text, situation.tasks)
            return complete(found) if reading.explicit or len(found) != 1 else Plan(Move.OFFER_DONE, tasks=found)
        case "lines":
            return Plan(Move.LINES, (Call("lines", {}),), hear_first=pained)
        case "safety_plan":
            return Plan(Move.SAFETY_PLAN, (Call("safety_plan", {}),))
        case "exercise":
            return Plan(Move.SKILL, (find(exercise_meant(reading.text)),), reading.topic)
        case _:
            return None


def _boundary(intent: str, situation: Situation) -> Plan | None:
    """What the companion is, and what it does not do."""
    text = situation.reading.text
    match intent:
        case "complaint":
            return Plan(Move.COMPLAINT, detail="quiet" if answers("quiet", text) else "")
        case "never_mind":
            return Plan(Move.NEVER_MIND)
        case "about_companion":
            return Plan(Move.ABOUT, detail=about_what(text))
        case "medical":
            return Plan(Move.MEDICAL, detail=medical_kind(text))
        case "legal":
            return Plan(Move.LEGAL, detail="visa" if "visa" in text.lower() else "")
        case "graded_work":
            return Plan(Move.GRADED, detail=graded_kind(text))
        case "off_topic":
            return Plan(Move.OFF_TOPIC, detail="joke" if "joke" in text.lower() else "")
        case _:
            return None


def _conversation(intent: str, situation: Situation, ledger: Ledger) -> Plan:
    reading = situation.reading
    if intent == "vent" and not ledger.hurting and _only_work(reading):
        return Plan(Move.WORK_OR_FEELING)
    if intent in ("vent", "sleep") or (
        intent == "unsure" and (reading.topics or ledger.heard or ledger.questions_in_a_row)
    ):
        return _hear(situation, ledger)
    return _calm(intent, situation)


def _calm(intent: str, situation: Situation) -> Plan:
    """Requests without pain in them."""
    reading = situation.reading
    match intent:
        case "ask_skill":
            return Plan(Move.SKILL, (find(reading.text[:300]),), reading.topic)
        case "find_content" | "find_study_content" | "study_technique":
            return Plan(Move.READ, (Call("find_content", {"query": reading.text[:300]}),), reading.topic)
        case "plan_work":
            return Plan(Move.PLAN_WORK, tasks=situation.tasks)
        case "start_work":
            return Plan(Move.START_WORK, (find(STARTING),), reading.topic)
        case "grades":
            return Plan(Move.GRADES, (Call(grades_meant(reading.text), {}),))
        case "greeting":
            return Plan(Move.GREET, detail="how" if answers("how_are_you", reading.text) else "")
        case "thanks":
            return Plan(Move.THANKS)
        case "goodbye":
            return Plan(Move.BYE, detail="night" if re.search(r"night|bed|sleep|\bgn\b", reading.text.lower()) else "")
        case "good_news":
            return Plan(Move.GOOD_NEWS)
        case _:
            return Plan(Move.UNSURE, detail="help" if intent == "help" else "")


def _only_work(reading: Reading) -> bool:
    return not reading.pain and any(happening.event.work for happening in reading.happenings) and not reading.trouble


def _hear(situation: Situation, ledger: Ledger) -> Plan:
    """Pain: the first reply is company; after that an explicit question for help is met with an offer or a skill."""
    asked = answers("advice", situation.reading.text)
    if asked and ledger.hurting and not ledger.listening:
        return show_skill(situation, ledger)
    return Plan(Move.OFFER if asked else Move.HEAR, topic=topic_of(situation, ledger))
