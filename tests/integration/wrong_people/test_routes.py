"""Every route, asked as each wrong person: they get nothing of Maya's and change nothing of hers."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from api import deps
from api.app import create_app
from core.settings import Settings
from db import access
from tests.integration.wrong_people.routes import ROUTES, Whose
from tests.integration.wrong_people.world import MARK, REVOKED, WRONG, World, unnamed, unpacked


def test_every_route_is_named() -> None:
    app = create_app(Settings(environment="test"))  # type: ignore[arg-type]  # read by its validator
    assert unnamed(app) == set()

    @app.get("/new", include_in_schema=False)
    def new() -> None:
        """A route that nobody thought about."""

    assert unnamed(app) == {"GET /new"}


@pytest.mark.timeout(1200)
async def test_the_right_person_is_answered_and_no_wrong_person_gets_or_changes_anything(world: World) -> None:
    """First that the walk's own requests are no fault: what others are refused is Maya's to read."""
    assert await refused(world) == []
    found = {name: await world.problems(name) for name in WRONG}
    assert {name: problems for name, problems in found.items() if problems} == {}


async def refused(world: World) -> list[str]:
    """What Maya asked for and did not get."""
    found = []
    async with world.client("maya") as client:
        for route, entry in ROUTES.items():
            if entry.whose in (Whose.OWN, Whose.STUDENTS) and route.startswith("GET"):
                answer = await world.ask(client, "maya", route, entry)
                client.cookies.clear()
                assert answer is not None
                shown = MARK in unpacked(answer) or not route.endswith(
                    ("/messages", "/export", "/tasks", "/safety-plan")
                )
                found += (
                    [] if shown and answer.status_code not in (401, 403, 404) else [f"{route}: {answer.status_code}"]
                )
    return found


@pytest.mark.timeout(600)
async def test_seeded_bugs_are_noticed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the role that is not asked, over tokens of closed accounts, to nobody being asked at all."""
    asked = world.app.dependency_overrides
    asked[deps.acting_staff] = lambda: world.people["counselor"]
    assert "GET /api/v1/care/queue: 200" in await world.problems("other_student")
    asked.clear()
    with monkeypatch.context() as patch:
        patch.setattr(access, "STANDS", ", true")
        for name in REVOKED:
            assert await world.problems(name), name
    assert "changed: emergency_contacts" in await careless_problems(world, monkeypatch)
    asked[deps.acting] = lambda: world.maya
    found = await world.problems("nobody")
    assert "GET /api/v1/export: shows something of hers" in found
    assert "changed: tasks" in found


async def careless_problems(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A policy with a hole, and a statement that relies on nothing but the policy."""
    with psycopg.connect(world.settings.owner_dsn.get_secret_value()) as owner:
        owner.execute("create policy hole on emergency_contacts to companion_app using (true)")

    async def careless(tx: Any, contact: Any) -> None:
        await tx.conn.execute("delete from emergency_contacts where id = %s", (contact,))

    with monkeypatch.context() as patch:
        patch.setattr("api.routes.own_data.remove_contact", careless)
        return await world.problems("other_student")
