"""A person's own profile: read and changed by themself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from core.errors import InvalidInput, NotFound
from db.access import Tx
from tools.people.keys import subject_key
from tools.people.registering import AgeBand, require_zone

LONGEST_ACCOMMODATIONS = 2000


@dataclass(frozen=True, slots=True)
class OwnProfile:
    """What somebody told about themself; name and accommodations are sealed at rest."""

    name: str
    pronouns: str | None
    age_band: AgeBand | None
    region: str | None
    time_zone: str
    language: str
    accommodations: str | None
    """What makes this easier to use or study, in their own words."""


async def own_profile(tx: Tx) -> OwnProfile:
    """Return the acting person's profile; raises `NotFound`."""
    me = tx.who.account_id
    cursor = await tx.conn.execute(
        "select name_sealed, pronouns, age_band, region, time_zone, language, accommodations_sealed"
        " from profiles where account_id = %s",
        (me,),
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound
    key = await subject_key(tx, me)
    accommodations = key.open(row[6], f"profiles.accommodations:{me}") if row[6] else None
    _, pronouns, age_band, region, zone, language, _ = row
    return OwnProfile(
        key.open(row[0], f"profiles.name:{me}"), pronouns, age_band, region, zone, language, accommodations
    )


async def save_profile(tx: Tx, profile: OwnProfile, *, at: datetime) -> None:
    """Store the acting person's profile as a whole; raises `InvalidInput`."""
    if not profile.name.strip():
        raise InvalidInput("Tell us what to call you.")
    if profile.age_band is not None and profile.age_band not in get_args(AgeBand):
        raise InvalidInput("Choose one of the age bands.")
    if len(profile.accommodations or "") > LONGEST_ACCOMMODATIONS:
        raise InvalidInput(f"Accommodations hold at most {LONGEST_ACCOMMODATIONS} characters.")
    require_zone(profile.time_zone)
    me = tx.who.account_id
    key = await subject_key(tx, me)
    sealed = key.seal(profile.accommodations, f"profiles.accommodations:{me}") if profile.accommodations else None
    await tx.conn.execute(
        "update profiles set name_sealed = %s, pronouns = %s, age_band = %s, region = %s, time_zone = %s, language = %s,"
        " accommodations_sealed = %s, updated_at = %s where account_id = %s",
        (
            key.seal(profile.name.strip(), f"profiles.name:{me}"), profile.pronouns, profile.age_band, profile.region,
            profile.time_zone, profile.language, sealed, at, me,
        ),
    )  # fmt: skip
