"""The next move: listen, ask, offer, show a skill, look up, plan work, decline or hand over, and which tools it needs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from agents.dialogue.ledger import Ledger, answers
from agents.dialogue.requests import match_task, mood_number, named_emotions, task_request
from agents.dialogue.situation import Call, OpenTask, Situation
from agents.dialogue.topics import Topic


class Move(StrEnum):
    """What the reply does."""

    HEAR = "hear"
    LISTEN = "listen"
    OFFER = "offer"
    DECLINED = "declined"
    SKILL = "skill"
    NEXT_STEPS = "next_steps"
    AFTER_SKILL = "after_skill"
    READ = "read"
    LOG_MOOD = "log_mood"
    ASK_NUMBER = "ask_number"
    MOOD_HISTORY = "mood_history"
    LIST = "list"
    DUE = "due"
    CREATE = "create"
    ASK_TITLE = "ask_title"
    COMPLETE = "complete"
    WHICH_TASK = "which_task"
    PLAN_WORK = "plan_work"
    START_WORK = "start_work"
    GRADES = "grades"
    LINES = "lines"
    SAFETY_PLAN = "safety_plan"
    GREET = "greet"
    THANKS = "thanks"
    BYE = "bye"
    GOOD_NEWS = "good_news"
    ABOUT = "about"
    MEDICAL = "medical"
    LEGAL = "legal"
    GRADED = "graded"
    OFF_TOPIC = "off_topic"
    NEVER_MIND = "never_mind"
    COMPLAINT = "complaint"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Plan:
    """One move with the tools it needs first."""

    move: Move
    calls: tuple[Call, ...] = ()
    topic: Topic | None = None
    tasks: tuple[OpenTask, ...] = ()
    detail: str = ""
    """Which kind of the move: a boundary, an answer about the companion, how a skill went."""
    hear_first: bool = field(default=False)
    """A feeling came with the request and is answered before it."""


def decide(situation: Situation, ledger: Ledger) -> Plan:
    """Choose the move. What was asked last is considered first, then the student's own request."""
    return _answer_to_pending(situation, ledger) or _by_intent(situation, ledger)


def _answer_to_pending(situation: Situation, ledger: Ledger) -> Plan | None:  # noqa: PLR0912 - one case an act
    text, reading = situation.reading.text, situation.reading
    if ledger.last_skill and (plan := _about_skill(text, ledger)):
        return plan
    if reading.explicit and reading.intent not in ("unsure", "never_mind"):
        return None
    short = len(text) <= 60
    match ledger.pending:
        case "mood_ask_number" | "mood_range" | "mood_none" | "ask_scale" if short and (n := mood_number(text, True)):
            if ledger.pending == "ask_scale":
                return Plan(Move.HEAR, detail="scale")
            return _log(situation, n)
        case "task_title_ask" if short:
            return _create(situation, whole=True)
        case "task_which" if short and (found := match_task(text, situation.tasks)):
            return _complete(found)
        case "offer_choice":
            return _choice(situation, ledger) if short else None
        case "offer_skill" | "offer_library" if short:
            if answers("no", text) or answers("listen", text):
                return Plan(Move.LISTEN if answers("listen", text) else Move.DECLINED)
            return show_skill(situation, ledger) if answers("yes", text) or answers("attempt", text) else None
        case "skill_failed_ask" if short and (answers("yes", text) or answers("attempt", text)):
            return show_skill(situation, ledger)
        case "start_ask" | "due_ask" | "plan_ask_list" if short and answers("yes", text):
            return Plan(Move.START_WORK, (_find("starting when you can't start ten minutes"),))
        case "medical_ask" | "people_point" | "lines_ask" if short and answers("yes", text):
            return Plan(Move.LINES, (Call("lines", {}),))
        case _:
            return None
    return None


def _about_skill(text: str, ledger: Ledger) -> Plan | None:
    if len(text) > 90:
        return None
    if answers("next", text) and ledger.last_skill:
        return Plan(Move.NEXT_STEPS, (_find(ledger.last_skill),))
    for name in ("failed", "helped", "done"):
        if answers(name, text):
            return Plan(Move.AFTER_SKILL, detail=name)
    return None


def _choice(situation: Situation, ledger: Ledger) -> Plan | None:
    text = situation.reading.text
    if answers("listen", text) or answers("no", text):
        return Plan(Move.LISTEN)
    if answers("attempt", text) or answers("yes", text):
        return show_skill(situation, ledger)
    return None


def _by_intent(situation: Situation, ledger: Ledger) -> Plan:  # noqa: PLR0912 - one case for each intent
    reading = situation.reading
    pained = reading.pain >= 2
    match reading.intent if situation.sure or reading.explicit else "unsure":
        case "log_mood":
            number = mood_number(reading.text, False)
            return _log(situation, number) if number else Plan(Move.ASK_NUMBER, hear_first=pained)
        case "mood_history":
            return Plan(Move.MOOD_HISTORY, (Call("mood_history", {"days": _days(reading.text, 14)}),))
        case "list_tasks":
            return Plan(Move.LIST, (Call("list_tasks", {}),), hear_first=pained)
        case "whats_due":
            return Plan(Move.DUE, (Call("whats_due", {"days": _days(reading.text, 7)}),), hear_first=pained)
        case "create_task" if reading.explicit or not pained:
            return _create(situation)
        case "complete_task":
            found = match_task(reading.text, situation.tasks)
            return _complete(found)
        case "lines":
            return Plan(Move.LINES, (Call("lines", {}),), hear_first=pained)
        case "safety_plan":
            return Plan(Move.SAFETY_PLAN, (Call("safety_plan", {}),))
        case "exercise":
            return Plan(Move.SKILL, (_find(_exercise(reading.text)),), reading.topic)
        case "complaint":
            return Plan(Move.COMPLAINT, detail="quiet" if answers("quiet", reading.text) else "")
        case "never_mind":
            return Plan(Move.NEVER_MIND)
        case "about_companion":
            return Plan(Move.ABOUT, detail=_about(reading.text))
        case "medical" if reading.explicit or not pained:
            return Plan(Move.MEDICAL, detail=_medical(reading.text))
        case "legal" if reading.explicit or not pained:
            return Plan(Move.LEGAL, detail="visa" if "visa" in reading.text.lower() else "")
        case "graded_work" if reading.explicit or not pained:
            return Plan(Move.GRADED, detail=_graded(reading.text))
        case intent if pained or intent in ("vent", "sleep") or (intent == "unsure" and reading.topics):
            return _hear(situation, ledger)
        case intent:
            return _calm(intent, situation, ledger)


def _calm(intent: str, situation: Situation, ledger: Ledger) -> Plan:
    """Requests without pain in them."""
    reading = situation.reading
    match intent:
        case "ask_skill":
            return Plan(Move.SKILL, (Call("find_content", {"query": reading.text[:300]}),), reading.topic)
        case "find_content" | "find_study_content" | "study_technique":
            return Plan(Move.READ, (Call("find_content", {"query": reading.text[:300]}),), reading.topic)
        case "plan_work":
            return Plan(Move.PLAN_WORK, tasks=situation.tasks)
        case "start_work":
            return Plan(Move.START_WORK, (_find("starting when you can't start ten minutes"),), reading.topic)
        case "grades":
            return Plan(Move.GRADES)
        case "greeting":
            return Plan(Move.GREET, detail="how" if answers("how_are_you", reading.text) else "")
        case "thanks":
            return Plan(Move.THANKS)
        case "goodbye":
            return Plan(Move.BYE, detail="night" if re.search(r"night|bed|sleep|\bgn\b", reading.text.lower()) else "")
        case "good_news":
            return Plan(Move.GOOD_NEWS)
        case "off_topic":
            return Plan(Move.OFF_TOPIC, detail="joke" if "joke" in reading.text.lower() else "")
        case _ if ledger.earlier and not situation.sure and ledger.hurting:
            return _hear(situation, ledger)
        case _:
            return Plan(Move.UNSURE, detail="help" if "help" in reading.text.lower() else "")


def _hear(situation: Situation, ledger: Ledger) -> Plan:
    """Pain: the first reply is company; after that an explicit question for help is met with an offer or a skill."""
    asked = answers("advice", situation.reading.text)
    if asked and ledger.hurting:
        return show_skill(situation, ledger)
    return Plan(Move.OFFER if asked else Move.HEAR, topic=topic_of(situation, ledger))


def topic_of(situation: Situation, ledger: Ledger) -> Topic | None:
    """The topic of this message, or the latest one of the conversation."""
    if situation.reading.topic:
        return situation.reading.topic
    return next((reading.topic for reading in reversed(ledger.earlier) if reading.topic), None)


def show_skill(situation: Situation, ledger: Ledger) -> Plan:
    """Look for a skill on what the conversation is about."""
    topic = topic_of(situation, ledger)
    return Plan(Move.SKILL, (_find(topic.skill if topic else "calming down when everything is too much"),), topic)


def _find(query: str) -> Call:
    return Call("find_content", {"query": query})


def _log(situation: Situation, number: int) -> Plan:
    emotions = named_emotions(situation.reading)
    call = Call("log_mood", {"score": number, "emotions": emotions} if emotions else {"score": number})
    return Plan(Move.LOG_MOOD, (call,))


def _create(situation: Situation, *, whole: bool = False) -> Plan:
    request = task_request(situation.reading.text, situation.now, situation.zone, whole=whole)
    if request is None:
        return Plan(Move.ASK_TITLE)
    return Plan(Move.CREATE, (Call("create_task", request),))


def _complete(found: tuple[OpenTask, ...]) -> Plan:
    if len(found) == 1:
        return Plan(Move.COMPLETE, (Call("complete_task", {"task_id": str(found[0].id)}),), tasks=found)
    return Plan(Move.WHICH_TASK, tasks=found)


def _days(text: str, usual: int) -> int:
    low = text.lower()
    spans = (
        ("today", 1),
        ("tonight", 1),
        ("tomorrow", 2),
        ("two weeks", 14),
        ("2 weeks", 14),
        ("month", 30),
        ("week", 7),
    )
    return next((days for word, days in spans if word in low), usual)


def _exercise(text: str) -> str:
    if re.search(r"ground|5|senses|sight", text.lower()):
        return "five senses grounding 5-4-3-2-1"
    return "paced breathing slow breath out"


def _about(text: str) -> str:
    low = text.lower()
    kinds = (
        ("secret", r"secret|don'?t tell|between us"),
        ("privacy", r"private|privacy|read|see|confidential|anonymous|share|store|save|record|tell (?:my|anyone|the)"),
        ("love", r"love|like me|girlfriend|boyfriend|marry|miss me"),
        ("always", r"always|leave me"),
        ("therapist", r"therapist|psychologist|counsel"),
        ("feelings", r"feel|tired|bored|happy|sad|sleep"),
        ("memory", r"remember|forget|memory"),
        ("skills", r"can you do|what do you do|how do you work|help with|able to"),
        ("name", r"name|made you"),
    )
    return next((kind for kind, words in kinds if re.search(words, low)), "real")


def _medical(text: str) -> str:
    low = text.lower()
    if re.search(r"do i have|am i|diagnos|bipolar", low):
        return "diagnosis"
    if re.search(r"dose|mg|med|pill|antidepress|ssri|drug|melatonin|ibuprofen|prescri|alcohol", low):
        return "meds"
    return ""


def _graded(text: str) -> str:
    problem = re.search(r"integral|calc|math|problem|equation|quiz|answer|code|question|solve", text.lower())
    return "problem" if problem else "essay"
