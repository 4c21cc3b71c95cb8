"""The next move: listen, ask, offer, show a skill, look up, plan work, decline or hand over, and which tools it needs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from agents.dialogue.intents import Route
from agents.dialogue.ledger import Ledger, answers
from agents.dialogue.requests import match_task, mood_number, named_emotions, task_request, task_requests
from agents.dialogue.situation import Call, OpenTask, Situation
from agents.dialogue.topics import Topic
from agents.dialogue.understand import TROUBLE, Reading

SHORT = 80
"""Characters up to which a message is read as the answer to what was asked."""
STARTING, BREATHING, GROUNDING = "Starting when you can't start", "Paced breathing", "Grounding with five senses"
"""Pages that are looked up by their title."""
WHILE_HURTING = frozenset({"ask_skill", "find_content", "log_mood", "lines", "exercise", "medical", "safety_plan"})
"""Requests that pain in the same message does not set aside."""


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
    OFFER_TASK = "offer_task"
    OFFER_DONE = "offer_done"
    CAPTURE = "capture"
    WORK_OR_FEELING = "work_or_feeling"
    NOT_LISTED = "not_listed"
    SKILL_GO = "skill_go"
    PANIC = "panic"
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


def _answer_to_pending(situation: Situation, ledger: Ledger) -> Plan | None:
    text, reading = situation.reading.text, situation.reading
    if ledger.last_skill and (plan := _about_skill(text, ledger)):
        return plan
    if reading.explicit and reading.intent not in ("unsure", "never_mind"):
        return None
    if ledger.pending == "plan_ask_list" and (plan := _items(situation)):
        return plan
    if ledger.pending is None or len(text) > SHORT:
        return None
    return _filling_in(situation, ledger) or _yes_or_no(situation, ledger)


def _filling_in(situation: Situation, ledger: Ledger) -> Plan | None:
    """The answer names what was asked for: a number, a title, a task, a choice."""
    text = situation.reading.text
    match ledger.pending:
        case "mood_ask_number" | "mood_range" | "mood_none" if number := mood_number(text, True):
            return _log(situation, number)
        case "ask_scale" if number := mood_number(text, True):
            return Plan(Move.HEAR, detail=str(number))
        case "task_title_ask":
            return _create(situation, text)
        case "task_which" if found := match_task(text, situation.tasks):
            return _complete(found)
        case "work_or_feeling":
            return _work_or_feeling(situation, text)
        case "offer_choice" | "offer_skill" | "offer_library" | "skill_failed_ask":
            return _choice(situation, ledger)
        case _:
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
            return _create_all(situation, ledger.latest)
        case "done_offer":
            return _complete(match_task(ledger.latest, situation.tasks))
        case "start_ask" | "due_ask" | "plan_ask_list" | "graded_problem_ask":
            return Plan(Move.START_WORK, (_find(STARTING),))
        case "medical_ask" | "medical_meds_ask" | "people_point":
            return Plan(Move.LINES, (Call("lines", {}),))
        case _:
            return None


def _about_skill(text: str, ledger: Ledger) -> Plan | None:
    if len(text) > 90:
        return None
    if answers("next", text) and ledger.last_skill:
        return Plan(Move.NEXT_STEPS, (_find(ledger.last_skill),))
    if answers("yes", text) and ledger.pending in (None, "skill_after"):
        return Plan(Move.SKILL_GO)
    for name in ("failed", "helped", "done"):
        if answers(name, text):
            return Plan(Move.AFTER_SKILL, detail=name)
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


def _by_intent(situation: Situation, ledger: Ledger) -> Plan:
    """Plain requests are done whatever the mood; everything else gives way to pain."""
    reading = situation.reading
    if answers("listening", reading.text):
        return Plan(Move.LISTEN)
    if answers("panic_now", reading.text):
        return Plan(Move.PANIC, (_find(BREATHING),))
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
            return _log(situation, number) if number else Plan(Move.ASK_NUMBER, hear_first=pained)
        case "mood_history":
            return Plan(Move.MOOD_HISTORY, (Call("mood_history", {"days": _days(reading.text, 14)}),))
        case "list_tasks":
            return Plan(Move.LIST, (Call("list_tasks", {}),), hear_first=pained)
        case "whats_due":
            return Plan(Move.DUE, (Call("whats_due", {"days": _days(reading.text, 7)}),), hear_first=pained)
        case "create_task":
            plan = _create(situation)
            if reading.explicit or not plan.calls:
                return plan
            several = "," in reading.text and _items(situation)
            return several or Plan(Move.OFFER_TASK, detail=_title(plan))
        case "complete_task":
            found = match_task(reading.text, situation.tasks)
            return _complete(found) if reading.explicit or len(found) != 1 else Plan(Move.OFFER_DONE, tasks=found)
        case "lines":
            return Plan(Move.LINES, (Call("lines", {}),), hear_first=pained)
        case "safety_plan":
            return Plan(Move.SAFETY_PLAN, (Call("safety_plan", {}),))
        case "exercise":
            return Plan(Move.SKILL, (_find(_exercise(reading.text)),), reading.topic)
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
            return Plan(Move.ABOUT, detail=_about(text))
        case "medical":
            return Plan(Move.MEDICAL, detail=_medical(text))
        case "legal":
            return Plan(Move.LEGAL, detail="visa" if "visa" in text.lower() else "")
        case "graded_work":
            return Plan(Move.GRADED, detail=_graded(text))
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
            return Plan(Move.SKILL, (_find(reading.text[:300]),), reading.topic)
        case "find_content" | "find_study_content" | "study_technique":
            return Plan(Move.READ, (Call("find_content", {"query": reading.text[:300]}),), reading.topic)
        case "plan_work":
            return Plan(Move.PLAN_WORK, tasks=situation.tasks)
        case "start_work":
            return Plan(Move.START_WORK, (_find(STARTING),), reading.topic)
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


def topic_of(situation: Situation, ledger: Ledger) -> Topic | None:
    """What this message is plainly about, else the conversation; a passing mention only opens one."""
    reading = situation.reading
    opening = None if ledger.heard or reading.guessed else reading.topic
    return reading.clear_topic or ledger.topic or opening


def show_skill(situation: Situation, ledger: Ledger) -> Plan:
    """Look for a skill on what the conversation is about."""
    topic = topic_of(situation, ledger)
    return Plan(Move.SKILL, (_find(topic.skill if topic else BREATHING),), topic)


def _find(query: str) -> Call:
    """The steps of the page that fits."""
    return Call("find_content", {"query": query, "steps": True})


def _log(situation: Situation, number: int) -> Plan:
    emotions = named_emotions(situation.reading)
    call = Call("log_mood", {"score": number, "emotions": emotions} if emotions else {"score": number})
    return Plan(Move.LOG_MOOD, (call,))


def _create(situation: Situation, title: str | None = None) -> Plan:
    """`title`: the answer to 'what should it say?', all of which is the title but its date."""
    text = title or situation.reading.text
    request = task_request(text, situation.now, situation.zone, whole=title is not None)
    if request is None:
        return Plan(Move.ASK_TITLE)
    return Plan(Move.CREATE, (Call("create_task", request),))


def _create_all(situation: Situation, text: str) -> Plan:
    requests = task_requests(text, situation.now, situation.zone)
    if not requests:
        return Plan(Move.ASK_TITLE)
    return Plan(Move.CREATE, tuple(Call("create_task", request) for request in requests))


def _items(situation: Situation) -> Plan | None:
    """Several pieces of work named in one message, at least one of them with a date: offered for the list."""
    requests = task_requests(situation.reading.text, situation.now, situation.zone)
    dated = sorted((request for request in requests if "due" in request), key=lambda request: str(request["due"]))
    return Plan(Move.CAPTURE, detail=str(dated[0]["title"])) if dated else None


def _title(plan: Plan) -> str:
    return str(plan.calls[0].arguments["title"])


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
        return GROUNDING
    return BREATHING


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
