"""What becomes of a message while the database is down: it is kept on the disk, answered, and people are called directly.

Where a conversation stood is remembered as far as this process saw it, so that a script that has begun goes on. What the
student is told about people is read from attempts that were made, nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from conversations.incoming import Incoming
from conversations.kept import KeptMessage
from conversations.spool import Spool, Ticket
from core.clock import Clock
from core.errors import NotFound, Unavailable
from core.ids import ConversationId, StudentId, TurnId, new_id
from core.logs import get_logger
from core.sealed_box import SealingKey
from db.access import Acting
from safety.policy import Tier
from safety.script import advance, broken_reply, degraded_reply, direct_call_words, open_triage
from safety.triage.facts import DeliveryFacts, StudentFacts
from safety.triage.state import TriageState, TriageStep
from safety.triage.step import Page, ScriptStep
from safety.triage.words import DONE_SOMETHING, WANT_PERSON
from safety.types import Mode, Screening, ScreeningContext
from tools.care.contacts import Contacts
from tools.care.direct import Alert, Attempt, DirectCall

log = get_logger("conversations.cut_off")
REMEMBERED = 5_000
"""Conversations whose last known standing is remembered."""
HEAR_SECONDS = 2.0
"""How long a reply waits for what becomes of the calls; they go on after it."""
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 2.0, 60.0
LOOK_SECONDS = 10.0
IN_ORDER_SECONDS, POLL_SECONDS = 10.0, 0.1
"""How long a calm message waits for the replay of earlier ones; a crisis never waits."""
LEFT_BEHIND = timedelta(seconds=20)
"""An entry that waits this long and about which nobody here is calling was left behind by a process that died."""


class SafetyReply(Unavailable):
    """The message could not be kept anywhere, but it was screened, and the student gets the fixed reply all the same."""

    code = "stored_nowhere_yet"

    def __init__(self, step: ScriptStep, screening: Screening) -> None:
        super().__init__("I could not save your message. It is still on your screen; please send it again in a moment.")
        self.step = step
        self.screening = screening


@dataclass(frozen=True, slots=True)
class Kept:
    """A message that is on the disk, with what the student is told."""

    turn_id: TurnId
    screening: Screening
    step: ScriptStep
    """What the script says; who was reached is its last message when people were called."""
    delivery: DeliveryFacts
    zone: str
    language: str


@dataclass(slots=True)
class Standing:
    """Where a conversation stood when it was last seen."""

    student: StudentId
    mode: Mode
    triage: TriageState | None
    facts: StudentFacts
    reached: list[Attempt] = field(default_factory=list)
    """Calls that were accepted since the database went away."""

    @property
    def delivery(self) -> DeliveryFacts:
        """What is true about delivery: the facts that were stored, and the calls since."""
        first = min((attempt.at for attempt in self.reached), default=self.facts.delivery.sent_at)
        return replace(self.facts.delivery, sent_at=first)


class CutOff:
    """Keeps, answers and calls; one a process."""

    def __init__(self, spool: Spool, key: SealingKey, contacts: Contacts, direct: DirectCall, clock: Clock) -> None:
        self._spool, self._key, self._contacts, self._direct, self._clock = spool, key, contacts, direct, clock
        self._standings: OrderedDict[ConversationId, Standing] = OrderedDict()
        self._calls: dict[UUID, asyncio.Task[None]] = {}

    def remember(
        self, who: Acting, conversation: ConversationId, mode: Mode, triage: TriageState | None, facts: StudentFacts
    ) -> None:
        """Take note of where a conversation stands, for the case that the next message finds no database."""
        if who.student_id is None:
            raise NotFound
        known = replace(facts, delivery=replace(facts.delivery, writing_at=None))
        self._place(conversation, Standing(who.student_id, mode, triage, known))

    def context(self, who: Acting, conversation: ConversationId) -> ScreeningContext:
        """What screening may know of a conversation that cannot be read now."""
        standing = self.standing(who, conversation)
        return (
            ScreeningContext(mode=standing.mode, language=standing.facts.language) if standing else ScreeningContext()
        )

    async def wait_for_earlier(self, conversation: ConversationId) -> bool:
        """Wait a while for the replay of what was said before in a conversation; returns whether there was anything."""
        if not self._spool.waits(conversation):
            return False
        for _ in range(round(IN_ORDER_SECONDS / POLL_SECONDS)):
            if not self._spool.waits(conversation):
                break
            await asyncio.sleep(POLL_SECONDS)
        return True

    def standing(self, who: Acting, conversation: ConversationId) -> Standing | None:
        """Where the acting student's conversation stands while the database is down; None when it is not known."""
        found = self._standings.get(conversation)
        return found if found is not None and found.student == who.student_id else None

    async def keep(self, message: Incoming, screening: Screening) -> Kept:
        """Keep a screened message on the disk, begin to call people if it pages, and return what the script says.

        Raises `SafetyReply` when the disk refuses too; people are called all the same.
        """
        now = self._clock.now()
        standing = self._standing_for(message, now)
        step, handled = _answer(standing, message, screening, now)
        ticket = _ticket(message, step, now)
        kept = KeptMessage(
            ticket,
            standing.student,
            message.key,
            message.kind,
            message.text,
            message.turn,
            screening,
            standing.triage,
            step if handled else None,
        )
        try:
            await asyncio.to_thread(self._spool.put, ticket, kept.to_bytes(), self._key)
        except OSError as error:
            log.error("message_not_kept", error=type(error).__name__)
            self._begin_call(ticket, standing)
            raise SafetyReply(step, screening) from error
        log.warning("message_kept", turn=str(message.turn))
        standing.mode, standing.triage = step.mode, step.state
        tried = self._begin_call(ticket, standing)
        if tried is not None:
            step = await self._heard(tried, step, standing)
        facts = standing.facts
        return Kept(message.turn, screening, step, standing.delivery, facts.zone, facts.language)

    async def take_up(self) -> None:
        """Call people about entries that wait for long and about which nobody here is calling.

        To be done every `LOOK_SECONDS`: a process that died has left them behind.
        """
        now = self._clock.now()
        for ticket in await asyncio.to_thread(self._spool.waiting):
            if now - ticket.at >= LEFT_BEHIND:
                self._begin_call(ticket, None)

    async def close(self) -> None:
        """Stop calling; entries wait, and the next start calls on."""
        calls = list(self._calls.values())
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    def _place(self, conversation: ConversationId, standing: Standing) -> None:
        self._standings[conversation] = standing
        self._standings.move_to_end(conversation)
        if len(self._standings) > REMEMBERED:
            self._standings.popitem(last=False)

    def _standing_for(self, message: Incoming, now: datetime) -> Standing:
        if message.who.student_id is None:
            raise NotFound
        standing = self.standing(message.who, message.conversation)
        if standing is None:
            standing = Standing(message.who.student_id, Mode.ORDINARY, None, StudentFacts())
            if message.conversation not in self._standings:  # Else somebody else's: theirs stays as it is.
                self._place(message.conversation, standing)
        staff = self._contacts.staffing(message.who.institution_id, now)
        standing.facts = replace(
            standing.facts,
            cut_off=True,
            staffed_now=staff.now,
            next_staffed=staff.next_at,
            shifts=staff.shifts,
            delivery=standing.delivery,
        )
        return standing

    def _begin_call(self, ticket: Ticket, standing: Standing | None) -> asyncio.Event | None:
        """Begin to call people about an entry that pages; the event is set when every way was tried once."""
        if not ticket.tier.pages or ticket.id in self._calls:
            return None
        tried = asyncio.Event()
        self._calls[ticket.id] = asyncio.create_task(self._call(ticket, standing, tried), name="direct call")
        return tried

    async def _call(self, ticket: Ticket, standing: Standing | None, tried: asyncio.Event) -> None:
        try:
            await self._call_until_told(ticket, standing, tried)
        except Exception as error:  # a call that breaks is begun anew by the next look, never lost in silence
            log.error("direct_call_broke", error=type(error).__name__, exc_info=error)
            del self._calls[ticket.id]
        finally:
            tried.set()

    async def _call_until_told(self, ticket: Ticket, standing: Standing | None, tried: asyncio.Event) -> None:
        """Call until every way was accepted or is hopeless, or the entry is replayed and its case calls on."""
        alert = Alert(ticket.id, ticket.institution, ticket.tier, ticket.confidential, ticket.at)
        done = {attempt.way for attempt in await asyncio.to_thread(self._spool.attempts, ticket) if attempt.final}

        async def told(attempt: Attempt) -> None:
            if attempt.accepted and standing is not None:
                standing.reached.append(attempt)
            try:
                await asyncio.to_thread(self._spool.note, ticket, attempt)
            except OSError as error:
                log.error("attempt_not_kept", channel=attempt.channel, error=type(error).__name__)

        wait = FIRST_WAIT_SECONDS
        while True:
            attempts = await self._direct.call(alert, told, done=done)
            tried.set()
            done |= {attempt.way for attempt in attempts if attempt.final}
            if all(attempt.final for attempt in attempts):
                return
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)
            if not await asyncio.to_thread(self._spool.holds, ticket):
                return

    async def _heard(self, tried: asyncio.Event, step: ScriptStep, standing: Standing) -> ScriptStep:
        """Add what has become of the calls by now."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(tried.wait(), HEAR_SECONDS)
        facts = standing.facts
        who = [attempt.recipient for attempt in standing.reached]
        words = direct_call_words(who, standing.delivery.sent_at, facts.language, facts.zone)
        return replace(step, messages=(*step.messages, words))


def _answer(standing: Standing, message: Incoming, screening: Screening, now: datetime) -> tuple[ScriptStep, bool]:
    """Return what to say, and whether the script has dealt with the message or it only waits to be answered."""
    try:
        return _go_on(standing, message, screening, now)
    except Exception as error:  # as in `judgement.decide`: the message is kept, answered, and people are called
        log.error("script_broke", conversation=str(message.conversation), exc_info=error)
        facts = replace(standing.facts, input=message.kind)
        return broken_reply(standing.triage, standing.mode, screening, facts, now), screening.crisis


def _go_on(standing: Standing, message: Incoming, screening: Screening, now: datetime) -> tuple[ScriptStep, bool]:
    facts = replace(standing.facts, input=message.kind)
    if standing.triage is not None:
        grave = screening.crisis or message.text.strip() in (DONE_SOMETHING, WANT_PERSON)
        state = _unaccompanied(standing.triage) if grave else standing.triage
        step = advance(state, message.text, screening, facts, now)
        if step.mode is not Mode.LIVE_PERSON and not step.passes_on:
            return step, True
        return degraded_reply(facts, now, standing.triage), False
    if screening.crisis or screening.clarify:
        return open_triage(screening, facts, now), True
    return degraded_reply(facts, now), False


def _unaccompanied(state: TriageState) -> TriageState:
    """A counselor who is in the conversation cannot read along now: the script answers, and people are called anew."""
    return replace(state, step=TriageStep.GUARDED, told_at=None) if state.step is TriageStep.LIVE else state


def _ticket(message: Incoming, step: ScriptStep, now: datetime) -> Ticket:
    pages = [effect for effect in step.effects if isinstance(effect, Page)]
    tier = max((effect.tier for effect in pages), key=lambda tier: tier.rank, default=Tier.NONE)
    confidential = any(effect.confidential for effect in pages)
    return Ticket(new_id(), message.conversation, message.who.institution_id, now, tier, confidential)
