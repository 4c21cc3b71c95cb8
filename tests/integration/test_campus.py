"""What an operator does before a campus is served."""

from __future__ import annotations

import asyncio

import pytest
from typer.testing import CliRunner

from cli.campus import add_staff, create_campus
from cli.main import app
from core.clock import SystemClock
from core.crypto import KeyRing
from core.errors import Conflict, InvalidInput, NotFound
from core.settings import Settings
from db.access import Database, Role
from tests.conftest import PASSWORD
from tools.people.accounts import Accounts
from tools.people.second_factor import SecondStep, Step


def make(settings: Settings, slug: str = "hill", zone: str = "America/Denver") -> None:
    create_campus(settings, slug, "Hillside", region="US", time_zone=zone, rules={"escalation_email": "a@b.example"})


async def test_staff_that_were_added_may_sign_in(settings: Settings, auth_database: Database, keys: KeyRing) -> None:
    make(settings)
    await asyncio.to_thread(add_staff, settings, "hill", "rosa@hill.example", "Rosa", Role.COUNSELOR, PASSWORD)
    accounts = Accounts(auth_database, keys, settings, SystemClock())
    with pytest.raises(SecondStep) as missing:
        await accounts.login("hill", "rosa@hill.example", PASSWORD)
    assert missing.value.step is Step.SET_UP
    who = await accounts.find("hill", "rosa@hill.example")
    assert who is not None and who.role is Role.COUNSELOR


def test_a_campus_is_made_once_and_in_a_real_time_zone(settings: Settings) -> None:
    make(settings)
    with pytest.raises(Conflict):
        make(settings)
    with pytest.raises(InvalidInput):
        make(settings, "valley", "Denver")
    with pytest.raises(NotFound):
        add_staff(settings, "nowhere", "rosa@hill.example", "Rosa", Role.COUNSELOR, PASSWORD)
    with pytest.raises(InvalidInput):
        add_staff(settings, "hill", "rosa@hill.example", "Rosa", Role.STUDENT, PASSWORD)


@pytest.mark.parametrize("command", [["--help"], ["secrets"], ["settings"], ["openapi"]])
def test_commands_that_need_no_server_answer(command: list[str]) -> None:
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert result.output


def test_doctor_refuses_a_part_that_does_not_exist() -> None:
    result = CliRunner().invoke(app, ["doctor", "--only", "nonsense"])
    assert result.exit_code == 1
