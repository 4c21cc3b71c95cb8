"""What 300 students do: write, and send again with the same key until the service has acknowledged it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx

from core.clock import SystemClock
from db.access import Acting
from tests.chaos.world import World
from tools.people.tokens import AccessTokens

CALM = (
    "the reading for seminar is long and i keep losing my place",
    "can you help me plan the lab report for friday",
    "my roommate is loud at night and i sleep badly",
    "i have two midterms on the same day",
    "what could i do first about the essay",
)
CRISIS = (
    "I want to kill myself tonight and I have the pills right here",
    "I'm going to end my life, I wrote the note already",
    "I want to die and I'm going to jump off the bridge tonight",
    "i took all the pills in the bottle because i want to die",
    "I have a plan to kill myself this weekend",
)
EVERY_NTH_IN_CRISIS = 3
PATIENCE_SECONDS = 240.0
PAUSE_SECONDS = 0.3
ACKNOWLEDGED = (200, 202)


@dataclass
class Sent:
    """One message of a student, and what came back."""

    student: Acting
    conversation: str
    text: str
    crisis: bool
    key: str = field(default_factory=lambda: str(uuid4()))
    status: int = 0
    """Of the acknowledgement; 0 while there is none."""
    path: str = ""
    scripted: bool = False
    """The answer carried the fixed words, with a line or a way to reach people."""
    tries: int = 0
    seconds: float = 0.0
    """From the first try to the acknowledged answer."""


@dataclass
class Progress:
    """How far the storm is. Faults wait for the students, and the students for the faults: each meets its share of both."""

    sent: list[Sent] = field(default_factory=list)
    may_send: int = 0
    """So many messages may be sent before the next fault strikes."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def let(self, messages: int) -> None:
        """Let the students send up to so many messages."""
        self.may_send = messages
        self.note()

    async def turn_comes(self) -> None:
        """Wait until one more message may be sent."""
        while len(self.sent) >= self.may_send:
            await self.changed.wait()

    def note(self) -> None:
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

    @property
    def answered(self) -> int:
        return sum(one.status in ACKNOWLEDGED for one in self.sent)

    @property
    def kept(self) -> int:
        """Answered while the database was down."""
        return sum(one.status == 202 for one in self.sent)

    async def until(self, what: Any, seconds: float) -> bool:
        """Wait until something is so; returns whether it came about in time."""
        deadline = time.monotonic() + seconds
        while not what():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            try:
                await asyncio.wait_for(self.changed.wait(), min(left, 1.0))
            except TimeoutError:
                continue
        return True


async def talk_all(world: World, progress: Progress, conversations: int, at_once: int) -> None:
    """Hold the conversations, so many at once; each is one calm message and then a calm one or a crisis."""
    tokens = AccessTokens(world.settings.token_private_key.get_secret_value(), SystemClock(), timedelta(hours=2))
    headers = [{"Authorization": f"Bearer {tokens.issue(who)[0]}"} for who in world.students]
    gate = asyncio.Semaphore(at_once)
    limits = httpx.Limits(max_connections=at_once + 4)
    async with httpx.AsyncClient(base_url=f"{world.site.address}/api/v1", timeout=30, limits=limits) as http:

        async def one(number: int) -> None:
            async with gate:
                seat = number % len(world.students)
                await _talk(http, headers[seat], world.students[seat], number, progress)

        await asyncio.gather(*(one(number) for number in range(conversations)))


async def _talk(http: httpx.AsyncClient, headers: dict[str, str], who: Acting, number: int, progress: Progress) -> None:
    conversation = await _begin(http, headers)
    in_crisis = number % EVERY_NTH_IN_CRISIS == 0
    plan = [(CALM[number % len(CALM)], False)]
    plan.append((CRISIS[number // EVERY_NTH_IN_CRISIS % len(CRISIS)], True) if in_crisis else (CALM[-1], False))
    for place, (words, crisis) in enumerate(plan):
        await progress.turn_comes()
        sent = Sent(who, conversation, f"{words} (note {number}.{place})", crisis)
        progress.sent.append(sent)
        await _say(http, headers, sent)
        conversation = sent.conversation
        progress.note()


async def _begin(http: httpx.AsyncClient, headers: dict[str, str]) -> str:
    """Begin a conversation; while that cannot be, take an id of one's own, as the page does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            response = await http.post("/conversations", headers=headers)
        except httpx.TransportError:
            await asyncio.sleep(PAUSE_SECONDS)
            continue
        return str(response.json()["id"]) if response.status_code == 201 else str(uuid4())
    raise TimeoutError("no conversation could be begun")


async def _say(http: httpx.AsyncClient, headers: dict[str, str], sent: Sent) -> None:
    """Send until it is acknowledged, with the same key; a conversation that never began is begun anew."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE_SECONDS:
        sent.tries += 1
        try:
            response = await http.post(
                f"/conversations/{sent.conversation}/turns",
                json={"text": sent.text},
                headers=headers | {"Idempotency-Key": sent.key},
            )
        except httpx.TransportError:
            await asyncio.sleep(PAUSE_SECONDS)
            continue
        if response.status_code in ACKNOWLEDGED:
            _read(sent, response)
            sent.seconds = time.monotonic() - began
            return
        if response.status_code == 404:
            sent.conversation = await _begin(http, headers)
        await asyncio.sleep(PAUSE_SECONDS)


def _read(sent: Sent, response: httpx.Response) -> None:
    body = response.json()
    sent.status, sent.path = response.status_code, body["path"]
    crisis = body["crisis"] or {}
    ways = crisis.get("resources") or any(choice["href"] for choice in crisis.get("choices", ()))
    sent.scripted = bool(crisis.get("messages")) and bool(ways)
