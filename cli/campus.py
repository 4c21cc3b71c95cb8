"""Campuses and their staff, made by the operator at the machine: nobody becomes staff over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import psycopg
from psycopg.types.json import Jsonb

from core.clock import SystemClock
from core.crypto import KeyRing
from core.errors import Conflict, InvalidInput
from core.ids import new_id
from core.settings import Settings
from db.access import Database, Role
from tools.people.accounts import Accounts, NewAccount


def create_campus(
    settings: Settings, slug: str, name: str, *, region: str, time_zone: str, rules: dict[str, Any]
) -> None:
    """Create a campus as the owner role; raises `InvalidInput` and `Conflict`."""
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InvalidInput(f"There is no time zone '{time_zone}'. Use a name such as America/Denver.") from error
    with psycopg.connect(settings.owner_dsn.get_secret_value()) as owner:
        made = owner.execute(
            "insert into institutions (id, slug, name, region, time_zone, settings) values (%s, %s, %s, %s, %s, %s)"
            " on conflict (slug) do nothing",
            (new_id(), slug, name, region, time_zone, Jsonb(rules)),
        )
    if made.rowcount == 0:
        raise Conflict(f"There is a campus '{slug}' already.")


def add_staff(settings: Settings, slug: str, email: str, name: str, role: Role, password: str) -> None:
    """Create a counselor's, supervisor's or operator's account; raises `InvalidInput`, `NotFound` and `Conflict`."""
    if role is Role.STUDENT:
        raise InvalidInput("Students register themselves.")
    asyncio.run(_add(settings, slug, NewAccount(email, password, name), role))


async def _add(settings: Settings, slug: str, account: NewAccount, role: Role) -> None:
    keys = KeyRing.from_setting(settings.master_key.get_secret_value())
    auth = Database(settings.auth_dsn.get_secret_value(), keys, size=1)
    await auth.open()
    try:
        await Accounts(auth, keys, settings, SystemClock()).register(slug, account, role)
    finally:
        await auth.close()
