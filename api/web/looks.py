"""The student's list of who opened what: one conversation's, and all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from fastapi import APIRouter, Request, Response

from api.deps import PartsDep
from api.parts import Parts
from api.web.rendering import render
from api.web.session import PageStudent
from conversations import history
from core.ids import ConversationId
from db.access import Acting
from tools.care.access import Access, Seen, accesses
from tools.people.people import read_profile

router = APIRouter(include_in_schema=False)
ONE_SITTING = timedelta(minutes=30)
"""Looks of one person at one thing that lie closer together are shown as one line; every one of them is stored."""


@dataclass(frozen=True, slots=True)
class Sitting:
    """Looks of one person at one thing, close together."""

    who: str
    role: str
    what: Seen
    conversation_id: ConversationId | None
    first: datetime
    last: datetime
    times: int


@router.get("/chat/{conversation}/looks")
async def looks(request: Request, conversation: UUID, who: PageStudent, parts: PartsDep) -> Response:
    """Which people opened this conversation, and what they looked at; raises `NotFound` for anybody else's."""
    return await _page(request, who, parts, ConversationId(conversation))


@router.get("/looks")
async def every_look(request: Request, who: PageStudent, parts: PartsDep) -> Response:
    """Which people opened any of the student's conversations, those that are deleted included."""
    return await _page(request, who, parts, None)


def sittings(found: Sequence[Access]) -> list[Sitting]:
    """Gather looks, newest first, into sittings."""
    gathered: list[Sitting] = []
    for look in found:
        same = next((one for one in reversed(gathered) if _continues(one, look)), None)
        if same is None:
            gathered.append(Sitting(look.who, look.role, look.what, look.conversation_id, look.at, look.at, 1))
        else:
            earlier = Sitting(same.who, same.role, same.what, same.conversation_id, look.at, same.last, same.times + 1)
            gathered[gathered.index(same)] = earlier
    return gathered


def _continues(sitting: Sitting, look: Access) -> bool:
    same = (sitting.who, sitting.role, sitting.what, sitting.conversation_id) == (
        look.who, look.role, look.what, look.conversation_id,
    )  # fmt: skip
    return same and sitting.first - look.at <= ONE_SITTING


async def _page(request: Request, who: Acting, parts: Parts, conversation: ConversationId | None) -> Response:
    async with parts.db.acting(who) as tx:
        if conversation is not None:
            await history.require_conversation(tx, conversation)
        found = await accesses(tx, conversation)
        titles = {entry.id: entry.title for entry in await history.list_conversations(tx, limit=1000)}
        zone = (await read_profile(tx, who.account_id)).time_zone
    return render(
        request,
        "looks.html",
        looks=sittings(found),
        titles=titles,
        conversation=conversation,
        zone=zone,
        now=parts.clock.now(),
    )
