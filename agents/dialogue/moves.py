"""The moves that a reply can make, and the tool calls that each needs first."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from agents.dialogue.ledger import Ledger
from agents.dialogue.requests import named_emotions, task_request, task_requests
from agents.dialogue.situation import Call, OpenTask, Situation
from agents.dialogue.topics import Topic

STARTING, BREATHING, GROUNDING = "Starting when you can't start", "Paced breathing", "Grounding with five senses"
"""Pages that are looked up by their title."""


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


def find(query: str) -> Call:
    """The steps of the page that fits."""
    return Call("find_content", {"query": query, "steps": True})


def topic_of(situation: Situation, ledger: Ledger) -> Topic | None:
    """What this message is plainly about, else the conversation; a passing mention only opens one."""
    reading = situation.reading
    opening = None if ledger.heard or reading.guessed else reading.topic
    return reading.clear_topic or ledger.topic or opening


def show_skill(situation: Situation, ledger: Ledger) -> Plan:
    """Look for a skill on what the conversation is about."""
    topic = topic_of(situation, ledger)
    return Plan(Move.SKILL, (find(topic.skill if topic else BREATHING),), topic)


def log(situation: Situation, number: int) -> Plan:
    """Log a mood with the feelings that the message names."""
    emotions = named_emotions(situation.reading)
    call = Call("log_mood", {"score": number, "emotions": emotions} if emotions else {"score": number})
    return Plan(Move.LOG_MOOD, (call,))


def create(situation: Situation, title: str | None = None) -> Plan:
    """Add a task. `title` is the answer to 'what should it say?': all of it but the date."""
    text = title or situation.reading.text
    request = task_request(text, situation.now, situation.zone, whole=title is not None)
    if request is None:
        return Plan(Move.ASK_TITLE)
    return Plan(Move.CREATE, (Call("create_task", request),))


def create_all(situation: Situation, text: str) -> Plan:
    """Put everything that a message lists on the list."""
    requests = task_requests(text, situation.now, situation.zone)
    if not requests:
        return Plan(Move.ASK_TITLE)
    return Plan(Move.CREATE, tuple(Call("create_task", request) for request in requests))


def items_for_list(situation: Situation) -> Plan | None:
    """Several pieces of work named in one message, at least one of them with a date: offered for the list."""
    requests = task_requests(situation.reading.text, situation.now, situation.zone)
    dated = sorted((request for request in requests if "due" in request), key=lambda request: str(request["due"]))
    return Plan(Move.CAPTURE, detail=str(dated[0]["title"])) if dated else None


def title_of(plan: Plan) -> str:
    """The title of the task that a plan would create."""
    return str(plan.calls[0].arguments["title"])


def complete(found: tuple[OpenTask, ...]) -> Plan:
    """Check a task off, or ask which one is meant."""
    if len(found) == 1:
        return Plan(Move.COMPLETE, (Call("complete_task", {"task_id": str(found[0].id)}),), tasks=found)
    return Plan(Move.WHICH_TASK, tasks=found)
