"""Sign-in: tokens that rotate, end, and cannot be forged."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from core.clock import ManualClock
from core.crypto import KeyRing
from core.errors import Conflict, InvalidInput, NotAuthenticated, TooMany
from core.settings import Settings
from db.access import Database, Role
from tests.conftest import PASSWORD, make_campus
from tools.people.accounts import TABS, Accounts, NewAccount
from tools.people.attempts import PER_SOURCE, STRANGERS, WINDOW, Client, network_of


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


HOME, OUTSIDER = Client("203.0.113.7", "phone"), Client("198.51.100.9", "script")


async def fail(
    accounts: Accounts, client: Client, *, email: str = "maya@hill.example", times: int = PER_SOURCE
) -> None:
    for _ in range(times):
        with pytest.raises(NotAuthenticated):
            await accounts.login("hill", email, "wrong password", client)


async def test_wrong_passwords_lock_out_who_guesses_for_a_while(accounts: Accounts, clock: ManualClock) -> None:
    await accounts.register("hill", maya())
    await fail(accounts, OUTSIDER)
    with pytest.raises(TooMany):
        await accounts.login("hill", "maya@hill.example", PASSWORD, OUTSIDER)
    await accounts.login("hill", "maya@hill.example", PASSWORD, HOME)
    clock.advance(WINDOW + timedelta(seconds=1))
    await accounts.login("hill", "maya@hill.example", PASSWORD, OUTSIDER)


async def test_many_addresses_do_not_mean_many_guesses_and_a_known_device_is_untouched(accounts: Accounts) -> None:
    await accounts.register("hill", maya())
    _, tokens = await accounts.login("hill", "maya@hill.example", PASSWORD, HOME)
    assert tokens.device is not None
    for number in range(STRANGERS):
        await fail(accounts, Client(f"192.0.2.{number}"), times=1)
    with pytest.raises(TooMany):
        await accounts.login("hill", "maya@hill.example", PASSWORD, Client("192.0.2.200"))
    device = replace(OUTSIDER, device=tokens.device)
    _, again = await accounts.login("hill", "maya@hill.example", PASSWORD, device)
    assert again.device is None, "a known device keeps its token"


async def test_another_accounts_device_is_a_stranger(accounts: Accounts) -> None:
    await accounts.register("hill", maya())
    await accounts.register("hill", maya(email="eve@hill.example"))
    _, tokens = await accounts.login("hill", "eve@hill.example", PASSWORD, OUTSIDER)
    await fail(accounts, replace(OUTSIDER, device=tokens.device))
    with pytest.raises(TooMany):
        await accounts.login("hill", "maya@hill.example", PASSWORD, OUTSIDER)


async def test_an_unknown_address_locks_like_a_known_one(accounts: Accounts) -> None:
    await fail(accounts, OUTSIDER, email="nobody@hill.example")
    with pytest.raises(TooMany):
        await accounts.login("hill", "nobody@hill.example", PASSWORD, OUTSIDER)


async def test_guesses_at_the_same_moment_are_all_counted(accounts: Accounts) -> None:
    await accounts.register("hill", maya())
    tries = [accounts.login("hill", "maya@hill.example", "wrong password", OUTSIDER) for _ in range(PER_SOURCE + 4)]
    refused = await asyncio.gather(*tries, return_exceptions=True)
    assert [type(error) for error in refused].count(TooMany) == 4


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "192.0.2.2", False),
    ],
)
def test_an_ipv6_network_counts_as_one(one: str, other: str, same: bool) -> None:
    assert (network_of(one) == network_of(other)) is same


async def test_two_tabs_of_one_client_may_refresh_at_once_and_nobody_else_may(
    accounts: Accounts, clock: ManualClock
) -> None:
    await accounts.register("hill", maya())
    _, first = await accounts.login("hill", "maya@hill.example", PASSWORD, HOME)
    _, one = await accounts.refresh(first.refresh_token, HOME)
    _, other = await accounts.refresh(first.refresh_token, HOME)
    assert one.refresh_token != other.refresh_token
    await accounts.refresh(one.refresh_token, HOME)
    with pytest.raises(NotAuthenticated):
        await accounts.refresh(first.refresh_token, OUTSIDER)
    with pytest.raises(NotAuthenticated):
        await accounts.refresh(other.refresh_token, HOME)


async def test_the_grace_of_two_tabs_is_short(accounts: Accounts, clock: ManualClock) -> None:
    await accounts.register("hill", maya())
    _, first = await accounts.login("hill", "maya@hill.example", PASSWORD, HOME)
    _, one = await accounts.refresh(first.refresh_token, HOME)
    clock.advance(TABS + timedelta(seconds=1))
    with pytest.raises(NotAuthenticated):
        await accounts.refresh(first.refresh_token, HOME)
    with pytest.raises(NotAuthenticated):
        await accounts.refresh(one.refresh_token, HOME)


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
