"""Test the route, not the label: whatever screening finds, the script answers and no model does."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest

from conversations.events import EventName
from conversations.first_transaction import Received
from conversations.intake import Intake
from core.clock import SystemClock
from core.ids import ConversationId, new_id
from core.settings import Settings
from db.access import Acting
from db.jobs import job_app
from safety import policy
from safety.screen import Screener
from safety.triage.facts import InputKind
from safety.types import Category, Evidence, Mode, Screening, ScreeningContext, Severity
from tests.conftest import People
from tests.integration.conversations.conftest import Desk

EXEMPLARS = Path(__file__).parents[3] / "safety" / "data" / "exemplars"
CATEGORIES = tuple(category for category in Category if category is not Category.NONE)
SEVERITIES = (Severity.LOW, Severity.MODERATE, Severity.HIGH, Severity.IMMINENT)
CLEAR = Screening(False, False, Category.NONE, Severity.NONE, 0.01, (), "test")
NO_MODEL = ("script", "careful", "live_person")


def found(category: Category, severity: Severity, degraded: tuple[str, ...] = ()) -> Screening:
    """A detection."""
    return Screening(
        True, False, category, severity, 0.9, (Evidence("lexicon", "r", "words"),), "test", degraded=degraded
    )


DETECTIONS = [found(category, severity) for category in CATEGORIES for severity in SEVERITIES]
DETECTIONS += [
    replace(one, degraded=layers) for one in DETECTIONS for layers in (("classifier",), ("lexicon", "multiturn"))
]
DETECTIONS += [replace(found(category, Severity.LOW), crisis=False, clarify=True) for category in CATEGORIES]
DETECTIONS += [replace(CLEAR, degraded=(layer,)) for layer in ("normalize", "lexicon", "multiturn", "classifier")]


@dataclass
class Told:
    """Screening that finds what the test says."""

    verdict: Screening = CLEAR

    def screen(self, text: str, context: ScreeningContext) -> Screening:
        return self.verdict


@dataclass
class Route:
    """A desk whose screening is told what to find, and every way a message can take from there."""

    desk: Desk
    told: Told
    who: Acting

    async def say(
        self,
        conversation: ConversationId,
        verdict: Screening,
        text: str = "some words",
        kind: InputKind = InputKind.TEXT,
    ) -> Received:
        self.told.verdict = verdict
        return await self.desk.service.take_turn(self.who, conversation, text, idempotency_key=str(new_id()), kind=kind)

    async def settle(self) -> None:
        """Let everything that runs come to its end."""
        await asyncio.gather(*self.desk.runner.running())

    async def last(self, conversation: ConversationId) -> str:
        """Who spoke last."""
        return (await self.desk.texts(self.who, conversation))[-1][0]


@pytest.fixture
def route(desk: Desk, people: People, settings: Settings) -> Iterator[Route]:
    """The desk's own service over an intake with the told screening."""
    told = Told()
    with ThreadPoolExecutor(2) as executor:
        jobs = job_app(settings.app_dsn.get_secret_value())
        desk.service._intake = Intake(desk.db, jobs, told, SystemClock(), executor, desk.intake._cut_off)
        yield Route(desk, told, people.maya)


def change(settings: Settings, query: str, *values: object) -> None:
    with psycopg.connect(settings.owner_dsn.get_secret_value()) as owner:
        owner.execute(query, values)  # type: ignore[arg-type]  # the tests' own statements


async def test_every_detection_reaches_the_script_and_no_model(route: Route) -> None:
    """Every category at every severity, with all layers and with one down, and every question."""
    reached: Counter[str] = Counter()
    for verdict in DETECTIONS:
        conversation = await route.desk.begin(route.who)
        received = await route.say(conversation, verdict)
        reached[received.path] += 1
        assert received.screened is None
        assert await route.last(conversation) == "script", verdict
    await route.settle()
    assert sum(reached.values()) == len(DETECTIONS) > 100
    assert reached["script"] + reached["careful"] == len(DETECTIONS)
    assert reached["careful"] == 4, "only where nothing was found and a layer was down"
    assert not route.desk.echo.seen


@pytest.mark.parametrize("mode", ["guarded", "triage", "streaming", "spoken", "lost"])
async def test_every_detection_reaches_the_script_wherever_the_conversation_stands(
    route: Route, settings: Settings, mode: str
) -> None:
    route.desk.echo.gate.clear()
    for verdict in DETECTIONS:
        conversation = await route.desk.begin(route.who)
        match mode:
            case "guarded":
                await route.say(conversation, found(Category.SUICIDE, Severity.MODERATE))
                await route.say(conversation, CLEAR, "stop")
            case "triage":
                await route.say(conversation, found(Category.SELF_HARM, Severity.MODERATE))
            case "streaming":
                await route.say(conversation, CLEAR, "my lab is due friday")
            case "lost":
                change(settings, "update conversations set mode = 'triage' where id = %s", conversation)
            case _:
                pass
        heard = len(route.desk.echo.seen)
        kind = InputKind.VOICE if mode == "spoken" else InputKind.TEXT
        received = await route.say(conversation, verdict, kind=kind)
        assert received.path in ("script", "careful"), (mode, verdict)
        assert await route.last(conversation) == "script", (mode, verdict)
        await route.settle()
        assert all(turn.text == "my lab is due friday" for turn in route.desk.echo.seen[heard:])


async def test_beside_a_person_a_detection_reaches_the_case_and_no_model_speaks(
    route: Route, settings: Settings
) -> None:
    """The script says whom it calls as well, where the words page; else nothing is said."""
    for verdict in DETECTIONS[:40]:
        conversation = await route.desk.begin(route.who)
        change(settings, "update conversations set mode = 'live_person' where id = %s", conversation)
        received = await route.say(conversation, verdict)
        assert received.path == "live_person"
        pages = policy.decide(verdict.category, verdict.severity).tier.pages
        assert await route.last(conversation) == ("script" if pages else "student"), verdict
        with psycopg.connect(settings.owner_dsn.get_secret_value()) as owner:
            rows = owner.execute("select category, severity from cases where conversation_id = %s", (conversation,))
            assert rows.fetchall() == [(verdict.category, verdict.severity)]
    assert not route.desk.echo.seen


async def test_a_reply_that_is_streaming_falls_silent_when_a_crisis_comes(route: Route) -> None:
    conversation = await route.desk.begin(route.who)
    route.desk.echo.gate.clear()
    first = await route.say(conversation, CLEAR, "my lab is due friday")
    stream = route.desk.service.events(route.who, conversation, first.turn_id)
    shown = [await anext(stream), await anext(stream)]
    assert shown[-1].name is EventName.SENTENCE
    await route.say(conversation, found(Category.SUICIDE, Severity.HIGH), "i have a plan for tonight")
    async with asyncio.timeout(10):
        rest = [event async for event in stream]
    route.desk.echo.gate.set()
    await route.settle()
    assert [event.name for event in rest] == [EventName.DONE]
    texts = await route.desk.texts(route.who, conversation)
    assert "That is all." not in str(texts)
    assert texts[-1][0] == "script"


async def test_a_reply_that_streams_in_another_process_falls_silent_too(
    route: Route, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that took the crisis in is not the one that streams: the stream looks for itself."""
    monkeypatch.setattr(route.desk.runner, "hush", lambda _: None)
    monkeypatch.setattr("conversations.runner.WATCH_SECONDS", 0.05)
    hush = type(route.desk.runner).hush
    conversation = await route.desk.begin(route.who)
    route.desk.echo.gate.clear()
    first = await route.say(conversation, CLEAR, "my lab is due friday")
    stream = route.desk.service.events(route.who, conversation, first.turn_id)
    await anext(stream)
    await anext(stream)
    await route.say(conversation, found(Category.SUICIDE, Severity.HIGH))
    monkeypatch.setattr(route.desk.runner, "hush", lambda place: hush(route.desk.runner, place))
    async with asyncio.timeout(10):
        rest = [event async for event in stream]
    assert [event.name for event in rest] == [EventName.DONE]
    assert "That is all." not in str(await route.desk.texts(route.who, conversation))


async def test_a_reply_that_streams_falls_silent_when_a_person_joins(
    route: Route, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conversations.runner.WATCH_SECONDS", 0.05)
    conversation = await route.desk.begin(route.who)
    route.desk.echo.gate.clear()
    first = await route.say(conversation, CLEAR, "my lab is due friday")
    stream = route.desk.service.events(route.who, conversation, first.turn_id)
    await anext(stream)
    change(settings, "update conversations set mode = 'live_person' where id = %s", conversation)
    async with asyncio.timeout(10):
        rest = [event async for event in stream]
    assert rest[-1].name is EventName.DONE
    assert "That is all." not in str(await route.desk.texts(route.who, conversation))


async def test_what_was_said_to_the_script_or_to_a_person_never_reaches_a_later_reply(
    route: Route, settings: Settings
) -> None:
    """Answers and words to a counselor are harmless by themselves, and still not a model's business."""
    conversation = await route.desk.begin(route.who)
    await route.say(conversation, CLEAR, "my lab is due friday")
    await route.settle()
    await route.say(conversation, found(Category.SUICIDE, Severity.MODERATE), "crisis words")
    await route.say(conversation, CLEAR, "an answer to the script")
    change(settings, "update conversations set mode = 'live_person', triage_sealed = null where id = %s", conversation)
    await route.say(conversation, CLEAR, "words to a counselor")
    change(settings, "update conversations set mode = 'ordinary', triage_sealed = null where id = %s", conversation)
    await route.say(conversation, CLEAR, "what is due this week?")
    await route.settle()
    assert [message.text for message in route.desk.echo.seen[-1].history] == [
        "my lab is due friday",
        "You said: my lab is due friday. That is all.",
    ]


async def test_the_real_screening_and_the_route_agree(desk: Desk, people: People, screener: Screener) -> None:
    """Our own exemplars through the real screening: whatever it finds leaves the ordinary path, every time."""
    lines: dict[tuple[str, str], list[str]] = {}
    for path in sorted(EXEMPLARS.glob("*.jsonl")):
        for row in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            if row["category"] != "none" and len(row["text"]) < 400:
                lines.setdefault((row["category"], row["severity"]), []).append(row["text"])
    detected = 0
    for kind in sorted(lines):
        for text in lines[kind][:6]:
            verdict = screener.screen(text, ScreeningContext(language="en"))
            if verdict.clear:
                continue
            conversation = await desk.begin(people.maya)
            received = await desk.service.take_turn(people.maya, conversation, text, idempotency_key=str(new_id()))
            assert received.path == "script", (kind, text)
            detected += 1
    assert detected >= 100
    assert not desk.echo.seen
    async with desk.db.acting(people.maya) as tx:
        rows = await (await tx.conn.execute("select distinct mode from conversations")).fetchall()
    assert Mode.ORDINARY.value not in {mode for (mode,) in rows}
