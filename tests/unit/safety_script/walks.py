"""Walking the triage machine: openings, everything a student, a counselor or the clock can do, and all states reached."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from safety.script import (
    advance,
    counselor_takes_over,
    degraded_reply,
    hand_back,
    open_follow_up,
    open_screener,
    open_triage,
    tick,
)
from safety.triage.buttons import NOT_ABOUT_THE_STUDENT
from safety.triage.facts import CrisisTerms, DeliveryFacts, InputKind, StudentFacts
from safety.triage.flow import load_flow
from safety.triage.state import TriageState, TriageStep
from safety.triage.step import ScriptStep
from safety.types import Category, Evidence, Screening, Severity

NOW = datetime(2026, 11, 21, 2, 14, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
ADULT = StudentFacts(region="us", staffed_now=True)
UNSTAFFED = StudentFacts(region="us", next_staffed=MONDAY)
CATEGORIES = tuple(category for category in Category if category is not Category.NONE)


def crisis(category: Category = Category.SUICIDE, severity: Severity = Severity.LOW) -> Screening:
    """A verdict that leaves the ordinary path."""
    return Screening(True, False, category, severity, 0.9, (Evidence("lexicon", "rule", "words"),), "test")


def unclear(quote: str = "words", category: Category = Category.SUICIDE) -> Screening:
    """A verdict that one direct question must decide."""
    return Screening(False, True, category, Severity.LOW, 0.5, (Evidence("lexicon", "rule", quote),), "test")


CLEAR = Screening(False, False, Category.NONE, Severity.NONE, 0.0, (), "test")
BROKEN = replace(CLEAR, degraded=("classifier",))

TERMS = CrisisTerms(helps="the dog", call_first="my aunt")
FACTS = (
    StudentFacts(region="us-ca", staffed_now=True, minor=True),
    StudentFacts(region=None, next_staffed=MONDAY, minor=True),
    StudentFacts(region="uk", language="es", staffed_now=True, has_plan=True, crisis_terms=TERMS, earlier_case=True),
    StudentFacts(region="us", next_staffed=MONDAY, input=InputKind.VOICE),
)
"""Students who differ in everything that changes the way: age, country, language, history, input, staff."""


@dataclass(frozen=True)
class Move:
    """One thing that happened, from a state to a step."""

    before: TriageState | None
    what: str
    facts: StudentFacts
    step: ScriptStep
    verdict: Screening | None = None
    """The screening of the student's words; None where the clock or a counselor moved."""
    at: datetime = NOW
    """When it happened."""
    tapped: str | None = None
    """The value of the button, where one was tapped."""


def openings(facts: StudentFacts) -> Iterator[Move]:
    """Every way into the script."""
    for category in CATEGORIES:
        for severity in (Severity.LOW, Severity.MODERATE, Severity.HIGH, Severity.IMMINENT):
            verdict = crisis(category, severity)
            yield Move(None, f"open {category} {severity}", facts, open_triage(verdict, facts, NOW), verdict)
    for verdict in (unclear(), unclear("not coming back"), unclear(category=Category.HARM_TO_OTHERS), BROKEN):
        yield Move(None, "open unclear", facts, open_triage(verdict, facts, NOW), verdict)
    yield Move(None, "screener", facts, open_screener(facts, NOW))
    yield Move(None, "follow-up", facts, open_follow_up(Category.SUICIDE, Severity.LOW, facts, NOW))


VERDICTS = (
    CLEAR, BROKEN, unclear(), crisis(), crisis(severity=Severity.HIGH), crisis(severity=Severity.IMMINENT),
    crisis(Category.ABUSE), crisis(Category.OVERDOSE, Severity.HIGH),
    crisis(Category.HARM_TO_OTHERS, Severity.HIGH),
)  # fmt: skip
TAPS = ("done_something", "stop", "never_mind", "want_person", "elsewhere", "here")
GRAVE = (
    crisis(severity=Severity.HIGH),
    crisis(severity=Severity.IMMINENT),
    crisis(Category.HARM_TO_OTHERS, Severity.HIGH),
)
RESTS = (timedelta(minutes=31), timedelta(hours=20))
WAITS = (timedelta(minutes=2, seconds=5), timedelta(minutes=5), timedelta(minutes=31), timedelta(days=8))


def moves(state: TriageState, facts: StudentFacts, taps: tuple[str, ...]) -> Iterator[Move]:
    """Everything that can happen next: answers, words of every kind, the clock, a counselor."""
    now = max(state.last_student_at, state.since)
    soon = now + timedelta(seconds=20)
    for text in (*taps, *TAPS):
        step = advance(state, text, CLEAR, facts, soon)
        yield Move(state, text, facts, step, CLEAR, soon, text)
    for verdict in VERDICTS:
        step = advance(state, "some words of mine", verdict, facts, soon)
        yield Move(state, f"words {verdict.category} {verdict.severity}", facts, step, verdict, soon)
    later = now + timedelta(hours=13)
    yield Move(state, "words much later", facts, advance(state, "words", crisis(), facts, later), crisis(), later)
    yield from _after_rests(state, facts, now)
    murmur = replace(facts, input=InputKind.VOICE_UNCONFIRMED)
    for verdict in (CLEAR, crisis(severity=Severity.HIGH)):
        step = advance(state, "want_person", verdict, murmur, soon)
        yield Move(state, "unconfirmed words", murmur, step, verdict, soon)
    again = replace(state, reasked=True)
    yield Move(again, "unclear again", facts, advance(again, "hm well", CLEAR, facts, soon), CLEAR, soon)
    for wait in WAITS:
        yield from _ticks(state, facts, now + wait)
    yield Move(state, "degraded", facts, degraded_reply(facts, now, state))
    if state.step is TriageStep.LIVE:
        yield Move(state, "hand back", facts, hand_back(state, "Take care.", facts, now + timedelta(minutes=1)))
    else:
        yield Move(state, "takes over", facts, counselor_takes_over(state, facts, now + timedelta(minutes=1)))


def _after_rests(state: TriageState, facts: StudentFacts, now: datetime) -> Iterator[Move]:
    """Grave words and grave buttons the day after the last call; other rests are searched at random."""
    for rest in RESTS[1:]:
        for verdict in GRAVE:
            step = advance(state, "words of tonight", verdict, facts, now + rest)
            what = f"{verdict.category} {verdict.severity} after {rest}"
            yield Move(state, what, facts, step, verdict, now + rest)
        for tap in ("done_something", "want_person"):
            step = advance(state, tap, CLEAR, facts, now + rest)
            yield Move(state, f"{tap} after {rest}", facts, step, CLEAR, now + rest, tap)


def _ticks(state: TriageState, facts: StudentFacts, at: datetime) -> Iterator[Move]:
    opened = replace(facts, delivery=DeliveryFacts(sent_at=state.since, opened_at=state.since))
    due = replace(facts, delivery=DeliveryFacts(sent_at=state.since, expected_by=state.since))
    gone = replace(facts, staffed_now=False, next_staffed=MONDAY)
    for known in (facts, opened, due, gone):
        step = tick(state, known, at)
        if step is not None:
            yield Move(state, f"tick after {at - state.last_student_at}", known, step, at=at)


def walk(facts: StudentFacts, limit: int = 10_000) -> Iterator[Move]:
    """Yield every move from every state that can be reached, states that differ in nothing essential taken once."""
    queue: deque[tuple[TriageState, tuple[str, ...]]] = deque()
    seen: set[tuple[object, ...]] = set()

    def meet(step: ScriptStep) -> None:
        state = step.state
        if state is None or _essence(state) in seen or len(seen) >= limit:
            return
        seen.add(_essence(state))
        queue.append((state, tuple(choice.value for choice in step.choices if choice.href is None)))

    for opening in openings(facts):
        yield opening
        meet(opening.step)
    while queue:
        state, taps = queue.popleft()
        for move in moves(state, facts, taps):
            yield move
            meet(move.step)


def _essence(state: TriageState) -> tuple[object, ...]:
    """What decides where a state can lead; the item stands for the matter, save for its kind."""
    resumes = state.resume and load_flow().items[state.resume].step
    return (
        state.step, state.item, state.category in NOT_ABOUT_THE_STUDENT, state.confidential, state.severity.rank >= 3,
        state.tier.pages, state.case_open, resumes, bool(state.check_ins),
    )  # fmt: skip
