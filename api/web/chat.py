"""The student's chat: pages and fragments; the streaming itself goes through the API. Works without a script as well."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response

from api.deps import PartsDep
from api.parts import Parts
from api.web.chat_view import bubbles, days, panel
from api.web.rendering import go, render, unchanged
from api.web.session import PageStudent, VisitorDep
from conversations import history
from conversations.crisis_events import crisis_payload
from conversations.cut_off import Kept, SafetyReply
from conversations.text import clean_message
from core.errors import CompanionError, NotAllowed, NotFound, Unavailable
from core.ids import ConversationId, new_id
from db.access import Acting, Role
from safety.disclosure import Notice, law_for, notice_text, start_notices
from safety.triage.delivery import delivery_status
from safety.types import Mode
from tools.care.plan import read_plan
from tools.people.keys import student_key
from tools.people.people import Profile, campus_region, read_profile

router = APIRouter(include_in_schema=False)
PICK_UP_WITHIN = timedelta(hours=6)
WAIT_FOR_REPLY_SECONDS = 25
Draft = Annotated[str, Form(max_length=200_000)]


@dataclass(frozen=True, slots=True)
class Shell:
    """What every page of a student's needs: the name, the history, and what is said about the software at the start."""

    profile: Profile
    days: list[Any]
    notices: tuple[Notice, ...]


@router.get("/chat")
async def chat(request: Request, who: PageStudent, parts: PartsDep) -> Response:
    """Go on with the last conversation if it is fresh or not settled, else begin a new one."""
    async with parts.db.acting(who) as tx:
        recent = await history.list_conversations(tx, limit=1)
    for entry in recent:
        if entry.mode is not Mode.ORDINARY or parts.clock.now() - entry.updated_at < PICK_UP_WITHIN:
            return go(request, f"/chat/{entry.id}")
    return go(request, "/chat/new")


@router.get("/chat/new")
async def new_chat(request: Request, who: PageStudent, parts: PartsDep) -> Response:
    """An empty conversation; it is stored with the first message."""
    shell = await _shell(who, parts)
    context = _context(shell, parts)
    quiet = panel(Mode.ORDINARY, "", (), shell.profile)
    return render(request, "chat.html", **context, conversation="", bubbles=[], panel=quiet, key=str(new_id()))


@router.get("/chat/history")
async def past(request: Request, who: PageStudent, parts: PartsDep, current: str = "") -> Response:
    """The list of conversations alone."""
    shell = await _shell(who, parts)
    return render(request, "parts/history.html", days=shell.days, conversation=current)


@router.get("/chat/waiting-to-delete")
async def waiting(request: Request, who: PageStudent) -> Response:
    """Say why a conversation is not deleted yet."""
    return render(request, "waiting.html")


@router.get("/chat/{conversation}")
async def read_chat(request: Request, conversation: UUID, who: PageStudent, parts: PartsDep) -> Response:
    """One conversation; raises `NotFound` for anybody else's."""
    async with parts.db.acting(who) as tx:
        messages = await history.read_messages(tx, ConversationId(conversation))
    shell = await _shell(who, parts)
    status = await parts.conversations.status(who, ConversationId(conversation))
    facts = status.delivery
    line = delivery_status(facts, language=status.language, zone=status.zone) if facts else ""
    return render(
        request,
        "chat.html",
        **_context(shell, parts),
        conversation=str(conversation),
        bubbles=bubbles(messages),
        panel=panel(status.mode, line, messages, shell.profile),
        key=str(new_id()),
    )


@router.get("/chat/{conversation}/messages")
async def newer_messages(
    request: Request, conversation: UUID, who: PageStudent, parts: PartsDep, after: UUID | None = None
) -> Response:
    """The messages after one that is on the page already."""
    async with parts.db.acting(who) as tx:
        messages = await history.read_messages(tx, ConversationId(conversation))
        profile = await read_profile(tx, who.account_id)
    shown = bubbles(messages)
    known = next((number for number, entry in enumerate(shown, start=1) if entry.id == after), 0)
    if known == len(shown):
        return unchanged(request)
    return render(request, "parts/messages.html", bubbles=shown[known:], zone=profile.time_zone, now=parts.clock.now())


@router.post("/chat/{conversation}")
@router.post("/chat/new")  # the lower one is matched first
async def send(
    request: Request,
    who: VisitorDep,
    parts: PartsDep,
    conversation: UUID | None = None,
    text: Draft = "",
    reply: Draft = "",
    key: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Send a message or a quick reply by an ordinary form; whatever fails, the words come back in a box."""
    text = reply or text
    back = f"/chat/{conversation}" if conversation else "/chat/new"
    if who is None:
        return render(request, "sign_in.html", 401, next=back, email="", error="", draft=text, news="")
    try:
        if who.role is not Role.STUDENT:
            raise NotAllowed("This is a student's own place.")
        target, kept = await _take(parts, who, conversation, text, key or str(new_id()))
        if kept is None:
            return go(request, f"/chat/{target}#newest")
        words = {"crisis": crisis_payload(kept.step)}
        return render(request, "kept.html", 202, problem=words, write_to=f"/chat/{target}")
    except CompanionError as error:
        crisis = crisis_payload(error.step) if isinstance(error, SafetyReply) else None
        problem = {"title": "This is not sent yet", "detail": error.message, "crisis": crisis}
        return render(request, "unsent.html", error.status, problem=problem, draft=text, action=back, key=key)


@router.post("/chat/{conversation}/delete")
async def delete(request: Request, conversation: UUID, who: PageStudent, parts: PartsDep) -> Response:
    """Delete a conversation, or say that it waits for the case about it."""
    async with parts.db.acting(who) as tx:
        gone = await history.delete_conversation(tx, ConversationId(conversation), at=parts.clock.now())
    return go(request, "/chat/new" if gone else "/chat/waiting-to-delete")


@router.get("/plan")
async def plan(request: Request, who: PageStudent, parts: PartsDep) -> Response:
    """The student's safety plan in their own words."""
    async with parts.db.acting(who) as tx:
        found = await read_plan(tx, await student_key(tx))
        profile = await read_profile(tx, who.account_id)
    return render(request, "plan.html", plan=found, zone=profile.time_zone, now=parts.clock.now())


async def _take(
    parts: Parts, who: Acting, conversation: UUID | None, text: str, key: str
) -> tuple[ConversationId, Kept | None]:
    """Send the words; returns the conversation they are in, and what is said while they are only kept."""
    words = clean_message(text, max_bytes=parts.settings.message_max_bytes)
    target = ConversationId(conversation) if conversation else await _begin(parts, who)

    async def allow() -> None:
        await parts.limiter.hit("turns", str(who.account_id), f"{parts.settings.turns_per_minute}/minute")

    try:
        received = await parts.conversations.take_turn(who, target, words, idempotency_key=key, allow=allow)
    except NotFound:
        if conversation is not None:
            raise
        target = await _begin(parts, who)  # The database came back between the free id and the message.
        received = await parts.conversations.take_turn(who, target, words, idempotency_key=key, allow=allow)
    if received.kept is not None:
        return target, received.kept
    try:
        async with asyncio.timeout(WAIT_FOR_REPLY_SECONDS):
            async for _ in parts.conversations.events(who, target, received.turn_id):
                pass
    except TimeoutError:  # The turn goes on by itself; the page shows it when it is there.
        pass
    return target, None


async def _begin(parts: Parts, who: Acting) -> ConversationId:
    """Begin a conversation; without the database its id is free, and what is kept under it begins it later."""
    try:
        async with parts.db.acting(who) as tx:
            return await history.begin(tx, at=parts.clock.now())
    except Unavailable:
        return ConversationId(new_id())


async def _shell(who: Acting, parts: Parts) -> Shell:
    async with parts.db.acting(who) as tx:
        profile = await read_profile(tx, who.account_id)
        entries = await history.list_conversations(tx)
        law = law_for(await campus_region(tx), profile.region)
    notices = start_notices(law, minor=profile.minor)
    return Shell(profile, days(entries, profile.time_zone, parts.clock.now()), notices)


def _context(shell: Shell, parts: Parts) -> dict[str, Any]:
    return {
        "profile": shell.profile,
        "days": shell.days,
        "zone": shell.profile.time_zone,
        "now": parts.clock.now(),
        "notices": [notice_text(notice, shell.profile.language) for notice in shell.notices],
    }
