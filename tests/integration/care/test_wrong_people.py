"""Every route of care, of the console and of operation, asked as each wrong person. New routes are found by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from fastapi.routing import iter_route_contexts
from pydantic import SecretStr

from api.app import create_app
from cli.campus import add_staff, create_campus
from cli.demo import Login, ensure_demo
from core.ids import new_id
from db.access import Role
from db.embedded import EmbeddedPostgres, EmbeddedRedis, clone_database, drop_database
from embedding.onnx import OnnxEmbedder
from tests.conftest import PASSWORD, TEMPLATE, settings_over
from tests.integration.api.conftest import CRISIS, Client, sign_in
from tests.site import Site

STRANGER = Login("uma@valley.example", PASSWORD, "supervisor", "a supervisor of another campus")
SOON = "2100-01-01T00:00:00Z"
BODIES: dict[str, Any] = {
    "claim": {}, "release": {}, "typing": {}, "caring": {}, "reply": {"text": "x"}, "hand-back": {"text": "x"},
    "notes": {"text": "x"},
    "severity": {"severity": "low", "reason": "x"}, "transfer": {"to": str(new_id())}, "take-over": {"reason": "x"},
    "follow-up": {"at": SOON}, "disclosures": {"threat": "x", "told": ["police"]}, "close": {"outcome": "misread"},
    "on-call": {"account_id": str(new_id()), "rung": "on_call", "starts_at": SOON, "ends_at": "2100-01-02T00:00:00Z"},
    "phone": {"phone": None}, "confidential": {"confidential": True}, "shown": {"cases": [str(new_id())]},
    "rules": {"responder": "staffed"}, "law": {"version": "x", "signed_as": "x"}, "{part}": {"version": "x", "signed_as": "x"},
    "examples": {"message_id": str(new_id()), "kind": "miss", "lines": ["x"], "category": "suicide", "severity": "low"},
}  # fmt: skip
"""What a right person would send, by the last part of the path."""
FORMS: dict[str, Any] = {
    "claim": {}, "release": {}, "typing": {}, "caring": {}, "reply": {"text": "x"}, "hand-back": {"text": "x"},
    "note": {"text": "x"},
    "severity": {"to": "low", "reason": "x"}, "transfer": {"to": str(new_id())}, "take-over": {"text": "x"},
    "follow-up": {"due": "2100-01-01T00:00"}, "disclose": {"text": "x", "told": ["police"]},
    "shown": {"case": [str(new_id())]},
    "close": {"outcome": "misread"}, "misread": {"then": "leave"}, "{message}": {"then": "keep", "read": "yes"},
    "{part}": {"version": "x", "signed_as": "x"}, "remove": {}, "duties": {"account": str(new_id()), "rung": "on_call", "starts": "2100-01-01T00:00", "ends": "2100-01-01T08:00"}, "phone": {"phone": ""}, "rules": {},
    "lines": {}, "law": {}, "{account_id}": {"confidential": "yes"},
}  # fmt: skip
FREE = {"note", "notes", "claim"}
"""Acts on a case that need no claim of one's own."""
SUPERVISORS = {"report", "protocol", "{part}", "duties", "remove"}
"""What a counselor who is no supervisor is refused."""
ADMINS = "/staff/{account_id}/confidential"


@dataclass(frozen=True)
class Route:
    """One route of care."""

    method: str
    path: str

    @property
    def last(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    @property
    def of_a_case(self) -> bool:
        return "{case_id}" in self.path

    def at(self, case: str) -> str:
        return self.path.format(case_id=case, duty_id=new_id(), account_id=new_id(), message=new_id(), part="script")

    @property
    def page(self) -> bool:
        return not self.path.startswith("/api")

    @property
    def operators(self) -> bool:
        """Whether it is for the operator of the campus alone."""
        return self.path.startswith(("/operator", "/api/v1/operation")) or self.path.endswith(ADMINS)

    def ask(self, client: httpx.Client, case: str) -> httpx.Response:
        sends = {"GET": {}, "DELETE": {}}.get(self.method)
        if sends is None:
            assert self.last in (FORMS if self.page else BODIES), f"say what a right person sends to {self.path}"
            sends = {"data": FORMS[self.last]} if self.page else {"json": BODIES[self.last]}
        return client.request(self.method, self.at(case), **sends)


def care_routes(site: Site) -> list[Route]:
    found = [
        Route(method, str(context.path))
        for context in iter_route_contexts(create_app(site.settings).routes)
        for method in sorted(getattr(context, "methods", None) or ())
        if str(getattr(context, "path", "")).startswith(("/api/v1/care", "/api/v1/operation", "/console", "/operator"))
    ]
    assert len(found) > 30
    return found


@contextmanager
def browser(site: Site, login: Login | None = None) -> Iterator[httpx.Client]:
    """Somebody's browser, signed in by the form; the API takes its cookie as well."""
    headers = {"accept": "text/html", "sec-fetch-site": "same-origin"}
    with httpx.Client(base_url=site.address, timeout=30, headers=headers) as client:
        if login is not None:
            answer = client.post("/sign-in", data={"email": login.email, "password": login.password})
            assert answer.status_code == 303, answer.text
        yield client


@pytest.fixture(scope="module")
def site(
    postgres: EmbeddedPostgres, redis: EmbeddedRedis, secrets: dict[str, str], encoder: OnnxEmbedder, scratch: Path
) -> Iterator[Site]:
    """A service of this module's own with two campuses; without a worker, which nothing here needs."""
    name = "two_campuses"
    clone_database(postgres, TEMPLATE, name)
    over = settings_over(postgres, redis, secrets, name)
    over = over.model_copy(update={"demo_password": SecretStr(PASSWORD)})
    logins = asyncio.run(ensure_demo(over))
    create_campus(over, "valley", "Valley", region="US", time_zone="America/Denver", rules={"second_factor": "offered"})
    add_staff(over, "valley", STRANGER.email, "Uma", Role.SUPERVISOR, STRANGER.password)
    running = Site(over, logins, log=scratch / "two_campuses.log")
    running.start(worker=False)
    yield running
    running.stop()
    drop_database(postgres, name)


@pytest.fixture
def maya(site: Site) -> Iterator[Client]:
    client = sign_in(site, "student", 3)
    yield client
    client.http.close()


@pytest.fixture
def case(site: Site, maya: Client) -> str:
    """A case that nobody has opened."""
    conversation = maya.begin()
    maya.say(conversation, CRISIS)
    with psycopg.connect(site.settings.owner_dsn.get_secret_value()) as owner:
        row = owner.execute("select id from cases where conversation_id = %s", (conversation,)).fetchone()
    assert row is not None
    return str(row[0])


def standing(site: Site, case: str) -> tuple[Any, ...] | None:
    """What acts would change."""
    with psycopg.connect(site.settings.owner_dsn.get_secret_value()) as owner:
        return owner.execute(
            "select status, claimed_by, severity, offered_to, follow_up_at, outcome, writing_at, last_person_at"
            " from cases where id = %s",
            (case,),
        ).fetchone()


def untouched(site: Site, case: str) -> bool:
    """Whether nobody opened the case or did anything to it."""
    with psycopg.connect(site.settings.owner_dsn.get_secret_value()) as owner:
        row = owner.execute(
            "select status, claimed_by, first_opened_at,"
            " (select count(*) from access_log where object_id = c.id),"
            " (select count(*) from case_events where case_id = c.id and actor_id is distinct from c.student_id)"
            " from cases c where id = %s",
            (case,),
        ).fetchone()
    return row == ("open", None, None, 0, 0)


@pytest.mark.parametrize(("role", "number"), [("student", 3), ("student", 1), ("admin", 0)])
def test_who_is_no_counselor_is_refused_everywhere(site: Site, case: str, role: str, number: int) -> None:
    with browser(site, site.login(role, number)) as client:
        for route in care_routes(site):
            if role == "admin" and route.operators:
                continue  # Their own, tested with what they do.
            answer = route.ask(client, case)
            assert answer.status_code == 403, (route, answer.status_code)
            assert CRISIS not in answer.text
    assert untouched(site, case)


def test_nobody_signed_in_is_refused_everywhere(site: Site, case: str) -> None:
    with browser(site) as client:
        for route in care_routes(site):
            answer = route.ask(client, case)
            assert answer.status_code == (303 if route.page else 401), (route, answer.status_code)
            assert not route.page or answer.headers["location"].startswith("/sign-in")
    assert untouched(site, case)


def test_a_supervisor_of_another_campus_finds_no_such_case(site: Site, case: str) -> None:
    with browser(site, STRANGER) as client:
        for route in care_routes(site):
            if route.operators:
                assert route.ask(client, case).status_code == 403, route
            elif route.of_a_case:
                answer = route.ask(client, case)
                assert answer.status_code == 404, (route, answer.status_code)
                assert CRISIS not in answer.text
            elif route.method == "GET" and route.last != "events":
                answer = route.ask(client, case)
                assert answer.status_code == 200, route
                assert case not in answer.text
    assert untouched(site, case)


def test_a_counselor_without_the_case_may_read_it_and_do_nothing_to_it(site: Site, case: str) -> None:
    rosa = sign_in(site, "counselor", 0)
    assert rosa.http.post(f"/care/cases/{case}/claim").status_code == 200
    before = standing(site, case)
    with browser(site, site.login("counselor", 1)) as client:
        for route in care_routes(site):
            if route.operators or route.last in SUPERVISORS:
                assert route.ask(client, case).status_code == 403, route
            elif route.of_a_case and route.method != "GET" and route.last not in FREE:
                answer = route.ask(client, case)
                expected = 403 if route.last == "take-over" else 409
                assert answer.status_code == expected, (route, answer.status_code)
        assert client.post(f"/console/cases/{case}/claim").status_code == 409
        page = client.get(f"/console/cases/{case}")
        assert page.status_code == 200
    assert standing(site, case) == before
    rosa.http.close()


def test_another_sites_form_does_nothing_with_a_counselors_cookie(site: Site, case: str) -> None:
    with browser(site, site.login("counselor", 0)) as client:
        client.headers["sec-fetch-site"] = "cross-site"
        for route in care_routes(site):
            if route.method != "GET" and route.of_a_case:
                assert route.ask(client, case).status_code == 403, route
    assert untouched(site, case)
