"""The second step at sign-in: who needs it, what it takes, and that no code works twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from pydantic import SecretStr

from core.clock import ManualClock
from core.crypto import KeyRing
from core.errors import NotAllowed, NotAuthenticated, TooMany
from core.settings import Environment, Settings
from db.access import Acting, Database, Role
from tests.conftest import PASSWORD, make_campus
from tests.mutation import seed
from tools.people.accounts import Accounts, NewAccount
from tools.people.attempts import CODES, CODES_WINDOW, UNKNOWN
from tools.people.enrolling import Enrolling
from tools.people.second_factor import SecondFactor, SecondStep, Step

MOMENT = datetime(2026, 11, 20, 3, tzinfo=UTC)


class Desk:
    """A counselor and a student of one campus, and a clock."""

    def __init__(self, accounts: Accounts, clock: ManualClock) -> None:
        self.accounts, self.enrolling, self.clock = accounts, Enrolling(accounts), clock

    async def ask(self, name: str) -> SecondStep:
        with pytest.raises(SecondStep) as missing:
            await self.accounts.login("hill", f"{name}@hill.example", PASSWORD)
        return missing.value

    async def enrol(self, ticket: str) -> tuple[Acting, str, tuple[str, ...]]:
        secret = (await self.enrolling.begin(ticket, "rosa@hill.example")).secret
        who, codes, _ = await self.enrolling.confirm(ticket, self.code(secret), UNKNOWN)
        return who, secret, codes

    def code(self, secret: str) -> str:
        return pyotp.TOTP(secret).at(self.clock.now())


@pytest.fixture
async def desk(auth_database: Database, keys: KeyRing, settings: Settings) -> Desk:
    make_campus(settings)
    clock = ManualClock(MOMENT)
    accounts = Accounts(auth_database, keys, settings, clock)
    for name, role in (
        ("rosa", Role.COUNSELOR),
        ("ines", Role.SUPERVISOR),
        ("ops", Role.ADMIN),
        ("maya", Role.STUDENT),
    ):
        await accounts.register("hill", NewAccount(f"{name}@hill.example", PASSWORD, name), role)
    return Desk(accounts, clock)


@pytest.mark.parametrize("name", ["rosa", "ines", "ops"])
async def test_staff_get_no_tokens_before_a_second_step_is_set_up(desk: Desk, name: str) -> None:
    missing = await desk.ask(name)
    assert missing.step is Step.SET_UP
    with pytest.raises(NotAuthenticated):
        await desk.accounts.second_step(missing.ticket, "000000")


async def test_after_set_up_a_code_is_asked_and_works_once(desk: Desk) -> None:
    who, secret, codes = await desk.enrol((await desk.ask("rosa")).ticket)
    assert who.role is Role.COUNSELOR and len(set(codes)) == 10
    desk.clock.advance(timedelta(minutes=1))
    missing = await desk.ask("rosa")
    assert missing.step is Step.CODE
    again, _ = await desk.accounts.second_step(missing.ticket, desk.code(secret))
    assert again == who
    replayed = await desk.ask("rosa")
    with pytest.raises(NotAuthenticated):
        await desk.accounts.second_step(replayed.ticket, desk.code(secret))


async def test_a_ticket_is_spent_by_its_use_and_runs_out(desk: Desk) -> None:
    _, secret, codes = await desk.enrol((await desk.ask("rosa")).ticket)
    desk.clock.advance(timedelta(minutes=1))
    first, second = await desk.ask("rosa"), await desk.ask("rosa")
    await desk.accounts.second_step(first.ticket, desk.code(secret))
    with pytest.raises(NotAuthenticated):
        await desk.accounts.second_step(first.ticket, codes[0])
    desk.clock.advance(timedelta(minutes=11))
    with pytest.raises(NotAuthenticated):
        await desk.accounts.second_step(second.ticket, desk.code(secret))


async def test_a_recovery_code_works_once_however_it_is_typed(desk: Desk) -> None:
    who, _, codes = await desk.enrol((await desk.ask("rosa")).ticket)
    typed = f" {codes[3].lower().replace('-', ' ')} "
    again, _ = await desk.accounts.second_step((await desk.ask("rosa")).ticket, typed)
    assert again == who
    with pytest.raises(NotAuthenticated):
        await desk.accounts.second_step((await desk.ask("rosa")).ticket, codes[3])


async def test_codes_cannot_be_guessed_for_long(desk: Desk) -> None:
    _, secret, _ = await desk.enrol((await desk.ask("rosa")).ticket)
    desk.clock.advance(timedelta(minutes=1))
    ticket = (await desk.ask("rosa")).ticket
    for _ in range(CODES):
        with pytest.raises(NotAuthenticated):
            await desk.accounts.second_step(ticket, "not the code")
    with pytest.raises(TooMany):
        await desk.accounts.second_step(ticket, desk.code(secret))
    desk.clock.advance(CODES_WINDOW + timedelta(seconds=1))
    await desk.accounts.second_step((await desk.ask("rosa")).ticket, desk.code(secret))


async def test_a_student_may_have_one_and_give_it_up_and_a_counselor_may_not(desk: Desk) -> None:
    maya, _ = await desk.accounts.login("hill", "maya@hill.example", PASSWORD)
    with pytest.raises(NotAuthenticated):
        await desk.enrolling.ticket(maya, "wrong password", None, UNKNOWN)
    _, _, codes = await desk.enrol(await desk.enrolling.ticket(maya, PASSWORD, None, UNKNOWN))
    with pytest.raises(NotAuthenticated):
        await desk.enrolling.ticket(maya, PASSWORD, None, UNKNOWN)
    assert (await desk.ask("maya")).step is Step.CODE
    await desk.enrolling.remove(maya, PASSWORD, codes[0], UNKNOWN)
    await desk.accounts.login("hill", "maya@hill.example", PASSWORD)
    rosa, _, codes = await desk.enrol((await desk.ask("rosa")).ticket)
    with pytest.raises(NotAllowed):
        await desk.enrolling.remove(rosa, PASSWORD, codes[0], UNKNOWN)


async def test_a_demonstration_may_do_without_and_production_may_not(
    auth_database: Database, keys: KeyRing, settings: Settings
) -> None:
    make_campus(settings, second_factor="offered")
    for environment, asked in ((Environment.TEST, False), (Environment.PRODUCTION, True)):
        over = settings.model_copy(update={"environment": environment, "demo_password": SecretStr("")})
        accounts = Accounts(auth_database, keys, over, ManualClock(MOMENT))
        who = await accounts.find("hill", "rosa@hill.example") or await accounts.register(
            "hill", NewAccount("rosa@hill.example", PASSWORD, "Rosa"), Role.COUNSELOR
        )
        async with auth_database.connection() as conn:
            assert (await accounts.second_factor.missing(conn, who) is Step.SET_UP) is asked


@pytest.mark.parametrize(
    ("method", "old", "new"),
    [
        ("check", "coalesce(totp_step, 0) < %s", "coalesce(totp_step, 0) <= %s"),
        ("missing", "return Step.CODE", "return None"),
        ("required", "if who.role is Role.STUDENT", "if who.role is not Role.ADMIN"),
    ],
)
async def test_seeded_bugs_are_noticed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, method: str, old: str, new: str
) -> None:
    seed(monkeypatch, getattr(SecondFactor, method), old, new)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        await test_after_set_up_a_code_is_asked_and_works_once(desk)
