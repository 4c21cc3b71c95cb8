"""What a counselor does at a case, by forms that work without a script."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Response

from api.web import times
from api.web.console.examples import example_page, offers_examples
from api.web.console.on_case import OnCaseDep
from api.web.rendering import is_fragment, unchanged
from conversations import live
from core.errors import CompanionError, InvalidInput
from core.ids import AccountId
from db.access import Tx
from safety.types import Severity
from tools.care import acts
from tools.care.caring import plan_caring
from tools.care.disclosure import ToldOutside, record_disclosure
from tools.care.examples.keeping import ExampleKind
from tools.care.outcomes import Outcome
from tools.people.people import read_profile

router = APIRouter(include_in_schema=False, prefix="/console/cases/{case_id}")
Words = Annotated[str, Form(max_length=8000)]
Line = Annotated[str, Form(max_length=100)]


@router.post("/claim")
async def claim(on: OnCaseDep) -> Response:
    """Take the case on; the second to try is told who has it."""
    return await on.do(lambda tx: acts.claim(tx, on.case, at=on.now))


@router.post("/release")
async def release(on: OnCaseDep) -> Response:
    """Give the case back; people are called anew."""
    return await on.do(lambda tx: acts.release(tx, on.parts.jobs, on.case, at=on.now))


@router.post("/caring")
async def caring(on: OnCaseDep) -> Response:
    """Plan the short notes that ask for nothing."""
    return await on.do(lambda tx: plan_caring(tx, on.case, at=on.now))


@router.post("/take-over")
async def take_over(on: OnCaseDep, text: Words = "") -> Response:
    """Take the case from a colleague who has gone. For supervisors."""
    return await on.do(lambda tx: acts.take_over(tx, on.case, text, at=on.now))


@router.post("/typing")
async def typing(on: OnCaseDep) -> Response:
    """The counselor is typing; the student sees it as long as it is true."""
    async with on.parts.db.acting(on.who) as tx:
        await acts.set_writing(tx, on.case, at=on.now)
    return unchanged(on.request)


@router.post("/reply")
async def reply(on: OnCaseDep, text: Words = "", after: Annotated[UUID | None, Form()] = None) -> Response:
    """Write to the student as a person; the software is silent from then on."""

    async def write(tx: Tx) -> None:
        await live.reply(tx, on.parts.jobs, on.case, text, at=on.now)

    if not is_fragment(on.request):
        return await on.do(write, draft=text)
    async with on.parts.db.acting(on.who) as tx:
        await write(tx)
    return await on.news(after, "")


@router.post("/hand-back")
async def hand_back(on: OnCaseDep, text: Words = "") -> Response:
    """Hand the conversation back to the software, with a message."""
    return await on.do(lambda tx: live.give_back(tx, on.parts.jobs, on.case, text, at=on.now))


@router.post("/note")
async def note(on: OnCaseDep, text: Words = "") -> Response:
    """Keep a note with the case."""
    return await on.do(lambda tx: acts.add_note(tx, on.case, text, at=on.now))


@router.post("/severity")
async def severity(on: OnCaseDep, to: Line = "", reason: Words = "") -> Response:
    """Set the severity; it falls only here, with a reason."""

    async def regrade(tx: Tx) -> None:
        if to not in list(Severity):
            raise InvalidInput("Choose a severity.")
        await live.regrade(tx, on.case, Severity(to), reason, at=on.now)

    return await on.do(regrade)


@router.post("/transfer")
async def transfer(on: OnCaseDep, to: Annotated[UUID | None, Form()] = None, text: Words = "") -> Response:
    """Offer the case to a colleague; it stays until they claim it."""

    async def offer(tx: Tx) -> None:
        if to is None:
            raise InvalidInput("Choose a colleague.")
        await acts.transfer(tx, on.parts.jobs, on.case, AccountId(to), text, at=on.now)

    return await on.do(offer)


@router.post("/follow-up")
async def follow_up(on: OnCaseDep, due: Line = "") -> Response:
    """Plan when a person looks again, in the counselor's own zone."""

    async def plan(tx: Tx) -> None:
        zone = times.zone_of((await read_profile(tx, on.who.account_id)).time_zone)
        try:
            moment = datetime.fromisoformat(due).replace(tzinfo=zone)
        except ValueError as error:
            raise InvalidInput("Choose a day and an hour.") from error
        await acts.plan_follow_up(tx, on.case, moment, at=on.now)

    return await on.do(plan)


@router.post("/disclose")
async def disclose(on: OnCaseDep, text: Words = "", told: Annotated[list[str] | None, Form()] = None) -> Response:
    """Record whom a person decided to tell outside, and why; nothing is sent by this."""

    async def store(tx: Tx) -> None:
        if not set(told or ()) <= set(ToldOutside):
            raise InvalidInput("Choose who was told.")
        await record_disclosure(tx, on.case, text, [ToldOutside(value) for value in told or ()], at=on.now)

    return await on.do(store)


@router.post("/close")
async def close(on: OnCaseDep, outcome: Line = "", text: Words = "") -> Response:
    """Close the case with an outcome; for a misread whose student agreed, its messages are offered as examples first."""
    if outcome == Outcome.MISREAD:
        try:
            async with on.parts.db.acting(on.who) as tx:
                items = await offers_examples(on, tx)
        except CompanionError as error:
            return await on.page(trouble=error.message, status=error.status)
        if items:
            return await example_page(on, ExampleKind.MISREAD, items, note=text)

    async def finish(tx: Tx) -> None:
        if outcome not in list(Outcome):
            raise InvalidInput("Choose how it ended.")
        await live.close(tx, on.case, Outcome(outcome), text, at=on.now)

    return await on.do(finish, then="/console")
