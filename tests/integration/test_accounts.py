"""Sign-in: tokens that rotate, end, and cannot be forged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import jwt
import pytest

from core.clock import ManualClock
from core.crypto import KeyRing
from core.errors import Conflict, InvalidInput, NotAuthenticated, TooMany
from core.settings import Settings
from db.access import Database, Role
from tests.conftest import PASSWORD, make_campus
from tools.people.accounts import FAILURES_BEFORE_LOCK, LOCK, Accounts, NewAccount


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 20, 3, tzinfo=UTC))


@pytest.fixture
def accounts(auth_database: Database, keys: KeyRing, settings: Settings, clock: ManualClock) -> Accounts:
    make_campus(settings)
    return Accounts(auth_database, keys, settings, clock)


def maya(**changes: str) -> NewAccount:
    return NewAccount(**({"email": "Maya@hill.example", "password": PASSWORD, "name": "Maya"} | changes))  # type: ignore[arg-type]


async def test_register_then_sign_in_whatever_the_case_of_the_address(accounts: Accounts) -> None:
    who = await accounts.register("hill", maya())
    again, tokens = await accounts.login("hill", " maya@HILL.example ", PASSWORD)
    assert again == who
    assert accounts.access.read(tokens.access_token) == who
    assert who.role is Role.STUDENT


@pytest.mark.parametrize("changes", [{"email": "no address"}, {"password": "short"}, {"name": "  "}])
async def test_bad_registrations_are_refused(accounts: Accounts, changes: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        await accounts.register("hill", maya(**changes))


async def test_an_address_registers_once(accounts: Accounts) -> None:
    await accounts.register("hill", maya())
    with pytest.raises(Conflict):
        await accounts.register("hill", maya())


async def test_wrong_passwords_lock_the_account_for_a_while(accounts: Accounts, clock: ManualClock) -> None:
    await accounts.register("hill", maya())
    for _ in range(FAILURES_BEFORE_LOCK):
        with pytest.raises(NotAuthenticated):
            await accounts.login("hill", "maya@hill.example", "wrong password")
    with pytest.raises(TooMany):
        await accounts.login("hill", "maya@hill.example", PASSWORD)
    clock.advance(LOCK + timedelta(seconds=1))
    await accounts.login("hill", "maya@hill.example", PASSWORD)


async def test_a_refresh_token_works_once_and_reuse_revokes_the_family(accounts: Accounts) -> None:
    await accounts.register("hill", maya())
    _, first = await accounts.login("hill", "maya@hill.example", PASSWORD)
    _, second = await accounts.refresh(first.refresh_token)
    with pytest.raises(NotAuthenticated):
        await accounts.refresh(first.refresh_token)
    with pytest.raises(NotAuthenticated):
        await accounts.refresh(second.refresh_token)


async def test_logout_ends_the_family(accounts: Accounts) -> None:
    await accounts.register("hill", maya())
    _, tokens = await accounts.login("hill", "maya@hill.example", PASSWORD)
    await accounts.logout(tokens.refresh_token)
    with pytest.raises(NotAuthenticated):
        await accounts.refresh(tokens.refresh_token)


async def test_expired_and_forged_access_tokens_are_refused(accounts: Accounts, clock: ManualClock) -> None:
    await accounts.register("hill", maya())
    who, tokens = await accounts.login("hill", "maya@hill.example", PASSWORD)
    claims = {
        "sub": str(who.account_id),
        "inst": str(who.institution_id),
        "role": "admin",
        "aud": "companion",
        "exp": 9e9,
    }
    forged = [
        jwt.encode(claims, "a" * 32, algorithm="HS256"),
        jwt.encode(claims, None, algorithm="none"),
        tokens.access_token[:-4] + "AAAA",
        "",
        "not.a.token",
    ]
    for token in forged:
        with pytest.raises(NotAuthenticated):
            accounts.access.read(token)
    clock.advance(timedelta(hours=1))
    with pytest.raises(NotAuthenticated):
        accounts.access.read(tokens.access_token)
