"""One's own data: profile, consents, people to call, taking everything along, deleting it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from api.deps import ActingDep, ClientDep, PartsDep, StudentDep
from api.routes.auth import limit
from api.routes.second_factor import Proof
from api.tokens import Short, clear_cookies
from tools.people.contacts import Contact, ContactPurpose, Person, add_contact, contacts, remove_contact
from tools.people.erasing import erase
from tools.people.keys import student_key
from tools.people.profile import LONGEST_ACCOMMODATIONS, OwnProfile, own_profile, save_profile
from tools.people.registering import AgeBand
from tools.people.taking_along import take_along
from tools.people.uses import Use, decide, uses

router = APIRouter(prefix="/api/v1", tags=["own data"])
EXPORTS = "6/hour"
Line = Annotated[str, Field(max_length=200)]


class ProfileIn(BaseModel):
    """A profile as a whole: what is left out is emptied."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    pronouns: Annotated[str, Field(max_length=40)] | None = None
    age_band: AgeBand | None = None
    region: Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")] | None = None
    time_zone: Short = "UTC"
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")] = "en"
    accommodations: Annotated[str, Field(max_length=LONGEST_ACCOMMODATIONS)] | None = None


class UseIn(BaseModel):
    """A decision; it holds at once."""

    data_kind: Line
    purpose: Line
    granted: bool


class UseList(BaseModel):
    """Every kind of data and purpose, with what holds now."""

    items: list[Use]


class ContactIn(BaseModel):
    """Somebody to call for a purpose, or never."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    relation: Line = ""
    phone: Line = ""
    email: Line = ""
    purpose: ContactPurpose


class ContactList(BaseModel):
    """The list; those never to be called come first."""

    items: list[Contact]


class Erased(BaseModel):
    """What became of a deletion."""

    deleted: bool
    note: str


@router.get("/profile")
async def read_profile(who: ActingDep, parts: PartsDep) -> OwnProfile:
    """One's own profile."""
    async with parts.db.acting(who) as tx:
        return await own_profile(tx)


@router.put("/profile")
async def put_profile(body: ProfileIn, who: ActingDep, parts: PartsDep) -> OwnProfile:
    """Store one's own profile."""
    profile = OwnProfile(**body.model_dump())
    async with parts.db.acting(who) as tx:
        await save_profile(tx, profile, at=parts.clock.now())
        return await own_profile(tx)


@router.get("/consents")
async def read_consents(who: StudentDep, parts: PartsDep) -> UseList:
    """What the student allows, per kind of data and purpose."""
    async with parts.db.acting(who) as tx:
        return UseList(items=await uses(tx))


@router.put("/consents")
async def put_consent(body: UseIn, who: StudentDep, parts: PartsDep) -> UseList:
    """Allow or withdraw; it holds from this moment."""
    async with parts.db.acting(who) as tx:
        await decide(tx, body.data_kind, body.purpose, granted=body.granted, at=parts.clock.now())
        return UseList(items=await uses(tx))


@router.get("/emergency-contacts")
async def read_contacts(who: StudentDep, parts: PartsDep) -> ContactList:
    """Whom to call for what, and whom never."""
    async with parts.db.acting(who) as tx:
        return ContactList(items=await contacts(tx, await student_key(tx)))


@router.post("/emergency-contacts", status_code=201)
async def post_contact(body: ContactIn, who: StudentDep, parts: PartsDep) -> Contact:
    """Add somebody."""
    person = Person(body.name.strip(), body.relation, body.phone, body.email)
    async with parts.db.acting(who) as tx:
        return await add_contact(tx, await student_key(tx), person, body.purpose, at=parts.clock.now())


@router.delete("/emergency-contacts/{contact_id}", status_code=204)
async def delete_contact(contact_id: UUID, who: StudentDep, parts: PartsDep) -> None:
    """Remove somebody."""
    async with parts.db.acting(who) as tx:
        await remove_contact(tx, contact_id)


@router.get("/export", response_class=Response, responses={200: {"content": {"application/zip": {}}}})
async def export(who: StudentDep, parts: PartsDep) -> Response:
    """Everything the service holds about the student, as a zip of JSON files."""
    await parts.limiter.hit("export", str(who.account_id), EXPORTS)
    async with parts.db.acting(who) as tx:
        archive = await take_along(tx)
    headers = {"content-disposition": 'attachment; filename="companion-export.zip"', "cache-control": "no-store"}
    return Response(archive, media_type="application/zip", headers=headers)


@router.post("/me/delete")
async def delete_me(body: Proof, response: Response, who: StudentDep, client: ClientDep, parts: PartsDep) -> Erased:
    """Delete the account and everything in it, by password; an open case holds it up until it is closed."""
    await limit(parts, "login", client)
    await parts.enrolling.prove(who, body.password, body.code, client)
    async with parts.db.acting(who) as tx:
        gone = await erase(tx, at=parts.clock.now())
    clear_cookies(response)
    note = (
        "Everything is deleted."
        if gone
        else "A counselor still looks after a conversation of yours. Everything is deleted when they close the case."
    )
    return Erased(deleted=gone, note=note)
