"""Conversations and their turns, as JSON or as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from pydantic import BaseModel, Field, field_validator

from api.deps import PartsDep, StudentDep
from api.parts import Parts
from conversations import history
from conversations.crisis_events import script_events
from conversations.cut_off import Kept
from conversations.events import Event, EventName
from conversations.first_transaction import Received
from conversations.text import clean_message
from core.ids import ConversationId, TurnId, new_id
from core.logs import get_logger
from db.access import Acting
from safety.disclosure import Notice, notice_text
from safety.script import delivery_status
from safety.triage.facts import DeliveryFacts, InputKind
from safety.types import Mode
from tools.people.people import read_profile

router = APIRouter(prefix="/api/v1/conversations", tags=["conversations"])
log = get_logger("api.conversations")
EVENT_STREAM = "text/event-stream"
KEPT = 202
"""The message is accepted and on the disk, and what follows from it comes later."""


class ConversationOut(BaseModel):
    """One conversation."""

    id: UUID
    mode: Mode
    title: str
    created_at: datetime
    updated_at: datetime


class ConversationList(BaseModel):
    """The student's conversations, newest first."""

    items: list[ConversationOut]


class MessageOut(BaseModel):
    """One message with what belongs to it."""

    id: UUID
    turn_id: UUID | None
    author: str = Field(description="`student`, `companion`, `script` or `counselor`")
    text: str
    extras: dict[str, Any]
    created_at: datetime


class MessageList(BaseModel):
    """Messages, oldest first."""

    items: list[MessageOut]


class TurnIn(BaseModel):
    """What the student wrote, or the value of a quick reply."""

    text: str = Field(description="Up to 100 kB; the whole of it is screened")
    input: Literal[InputKind.TEXT, InputKind.VOICE] = Field(
        InputKind.TEXT, description="`voice` is a transcript that the student confirmed; it counts like typed words"
    )

    @field_validator("input", mode="before")
    @classmethod
    def _heard(cls, value: object) -> object:
        """Only the service's own recogniser can doubt what it heard: an unconfirmed transcript calls nobody.

        From a client such words count as typed. Refusing them would leave a crisis without an answer.
        """
        return InputKind.TEXT if value == InputKind.VOICE_UNCONFIRMED else value


class DeliveryOut(BaseModel):
    """Stored facts about who was told; null has not happened."""

    status: str = Field(description="The line the student sees; empty when there is nothing true to say")
    sent_at: datetime | None
    opened_at: datetime | None
    writing_at: datetime | None
    closed_at: datetime | None


class NoticeOut(BaseModel):
    """Something that has to be said about the software: at the start, and again after hours of use."""

    kind: Notice
    text: str


class TurnOut(BaseModel):
    """A finished turn."""

    turn_id: UUID
    seq: int
    path: str = Field(
        description="`agent`, `script`, `careful`, `live_person`; `kept`: it waits on the disk until the database is back"
    )
    reply: str
    citations: list[dict[str, Any]]
    tools: list[dict[str, Any]]
    notices: list[NoticeOut]
    crisis: dict[str, Any] | None
    delivery: DeliveryOut | None
    error: dict[str, Any] | None


class StatusOut(BaseModel):
    """Where the conversation stands."""

    mode: Mode
    delivery: DeliveryOut | None


class Deleted(BaseModel):
    """What became of a deletion."""

    deleted: bool
    note: str


def delivery_out(facts: DeliveryFacts, zone: str, language: str) -> DeliveryOut:
    """Render delivery facts for a client."""
    return DeliveryOut(
        status=delivery_status(facts, zone=zone, language=language),
        sent_at=facts.sent_at,
        opened_at=facts.opened_at,
        writing_at=facts.writing_at,
        closed_at=facts.closed_at,
    )


@router.post("", status_code=201)
async def begin(who: StudentDep, parts: PartsDep) -> ConversationOut:
    """Begin a conversation."""
    now = parts.clock.now()
    async with parts.db.acting(who) as tx:
        conversation = await history.begin(tx, at=now)
    return ConversationOut(id=conversation, mode=Mode.ORDINARY, title="", created_at=now, updated_at=now)


@router.get("")
async def list_conversations(who: StudentDep, parts: PartsDep) -> ConversationList:
    """The student's conversations, newest first."""
    async with parts.db.acting(who) as tx:
        found = await history.list_conversations(tx)
    return ConversationList(items=[ConversationOut.model_validate(entry, from_attributes=True) for entry in found])


@router.get("/{conversation_id}/messages")
async def messages(conversation_id: UUID, who: StudentDep, parts: PartsDep) -> MessageList:
    """The newest messages, oldest first."""
    async with parts.db.acting(who) as tx:
        found = await history.read_messages(tx, ConversationId(conversation_id))
    return MessageList(items=[MessageOut.model_validate(entry, from_attributes=True) for entry in found])


@router.delete("/{conversation_id}")
async def delete(conversation_id: UUID, who: StudentDep, parts: PartsDep, keep_entries: bool = False) -> Deleted:
    """Delete a conversation and what came from it; waits while a case about it is open."""
    async with parts.db.acting(who) as tx:
        gone = await history.delete_conversation(
            tx, ConversationId(conversation_id), at=parts.clock.now(), keep_entries=keep_entries
        )
    note = "Deleted." if gone else "A counselor still looks after this one. It is deleted when they close the case."
    return Deleted(deleted=gone, note=note)


@router.get("/{conversation_id}/status")
async def status(conversation_id: UUID, who: StudentDep, parts: PartsDep) -> StatusOut:
    """The mode of the conversation and the true delivery state of its case."""
    found = await parts.conversations.status(who, ConversationId(conversation_id))
    delivery = delivery_out(found.delivery, found.zone, found.language) if found.delivery else None
    return StatusOut(mode=found.mode, delivery=delivery)


@router.post(
    "/{conversation_id}/turns",
    response_model=TurnOut,
    responses={
        200: {"content": {EVENT_STREAM: {"schema": {"type": "string"}}}},
        202: {"model": TurnOut, "description": "The database is down. The message is kept; do not send it again."},
    },
)
async def take_turn(
    conversation_id: UUID,
    body: TurnIn,
    request: Request,
    response: Response,
    who: StudentDep,
    parts: PartsDep,
    idempotency_key: Annotated[str | None, Header(max_length=100)] = None,
) -> Response | TurnOut:
    """Send a message. `Accept: text/event-stream` streams, anything else waits for the whole reply."""
    conversation = ConversationId(conversation_id)
    text = clean_message(body.text, max_bytes=parts.settings.message_max_bytes)

    async def allow() -> None:
        await parts.limiter.hit("turns", str(who.account_id), f"{parts.settings.turns_per_minute}/minute")

    received = await parts.conversations.take_turn(
        who, conversation, text, idempotency_key=idempotency_key or str(new_id()), kind=body.input, allow=allow
    )
    streams = EVENT_STREAM in request.headers.get("accept", "")
    if received.kept is not None:
        response.status_code = KEPT
        return _kept_stream(received.kept) if streams else await _whole(parts, who, conversation, received, [])
    notices = await _notices(parts, who, received)
    if streams:
        return _stream(parts, who, conversation, received.turn_id, None, notices)
    return await _whole(parts, who, conversation, received, notices)


@router.get("/{conversation_id}/turns/{turn_id}/events")
async def resume(
    conversation_id: UUID,
    turn_id: UUID,
    who: StudentDep,
    parts: PartsDep,
    last_event_id: Annotated[str | None, Header(max_length=40)] = None,
) -> Response:
    """Take a turn's stream up again after `Last-Event-ID`; a finished turn is told from the record."""
    await parts.conversations.require_turn(who, ConversationId(conversation_id), TurnId(turn_id))
    return _stream(parts, who, ConversationId(conversation_id), TurnId(turn_id), last_event_id)


async def _notices(parts: Parts, who: Acting, received: Received) -> list[NoticeOut]:
    if not received.notices:
        return []
    async with parts.db.acting(who) as tx:
        language = (await read_profile(tx, who.account_id)).language
    return [NoticeOut(kind=notice, text=notice_text(notice, language)) for notice in received.notices]


def _stream(
    parts: Parts,
    who: Acting,
    conversation: ConversationId,
    turn: TurnId,
    last_id: str | None,
    notices: Sequence[NoticeOut] = (),
) -> StreamingResponse:
    headers = {"x-accel-buffering": "no", "x-turn-id": str(turn)}
    frames = _frames(parts, who, conversation, turn, last_id, notices)
    return StreamingResponse(frames, headers=headers, media_type=EVENT_STREAM)


async def _frames(
    parts: Parts,
    who: Acting,
    conversation: ConversationId,
    turn: TurnId,
    last_id: str | None,
    notices: Sequence[NoticeOut],
) -> AsyncIterator[bytes]:
    for notice in notices:
        yield format_sse_event(event="notice", data_str=notice.model_dump_json())
    async for event in parts.conversations.events(who, conversation, turn, last_id):
        if event.final:
            delivery = await _delivery(parts, who, conversation)
            if delivery is not None:
                yield format_sse_event(event="delivery", data_str=delivery.model_dump_json())
        yield _frame(event)


def _kept_stream(kept: Kept) -> StreamingResponse:
    """The whole answer to a message that is kept, in the form of a stream."""
    events = script_events(kept.screening, "kept", kept.step)
    delivery = delivery_out(kept.delivery, kept.zone, kept.language).model_dump_json()
    told = format_sse_event(event="delivery", data_str=delivery)
    frames = [*map(_frame, events[:-1]), told, _frame(events[-1])]
    return StreamingResponse(
        iter(frames), KEPT, {"x-accel-buffering": "no", "x-turn-id": str(kept.turn_id)}, media_type=EVENT_STREAM
    )


def _frame(event: Event) -> bytes:
    return format_sse_event(event=event.name.value, data_str=orjson.dumps(event.data).decode(), id=event.id)


async def _delivery(parts: Parts, who: Acting, conversation: ConversationId) -> DeliveryOut | None:
    found = await parts.conversations.status(who, conversation)
    if found.delivery is None:
        return None
    return delivery_out(found.delivery, found.zone, found.language)


async def _whole(
    parts: Parts, who: Acting, conversation: ConversationId, received: Received, notices: list[NoticeOut]
) -> TurnOut:
    out = TurnOut(
        turn_id=received.turn_id,
        seq=received.seq,
        path=received.path,
        reply="",
        citations=[],
        tools=[],
        notices=notices,
        crisis=None,
        delivery=None,
        error=None,
    )
    sentences: list[str] = []
    kept = received.kept
    async for event in parts.conversations.events_of(who, conversation, received):
        match event.name:
            case EventName.SENTENCE:
                sentences.append(event.data["text"] + event.data["ends"])
            case EventName.CITATION:
                out.citations.append(event.data)
            case EventName.TOOL:
                out.tools.append(event.data)
            case EventName.CRISIS:
                out.crisis = event.data
                sentences.append("\n\n".join(event.data["messages"]))
            case EventName.ERROR:
                out.error = event.data
    out.reply = "".join(sentences).strip()
    out.delivery = (
        delivery_out(kept.delivery, kept.zone, kept.language) if kept else await _delivery(parts, who, conversation)
    )
    return out
