"""The service with everything of Maya's in it, and the people who have no business with it."""

from __future__ import annotations

import asyncio
import io
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from psycopg import sql

from api.deps import ACCESS_COOKIE
from api.parts import Parts
from core.settings import Settings
from db.access import Acting
from tests.integration.wrong_people.routes import ROLES, ROUTES, Entry, Whose

MARK = "quetzalfeather"
"""A word that only Maya wrote; whoever meets it sees something of hers."""
MOOD_AT = datetime.now(UTC).replace(microsecond=271828)
"""When she logged her mood: tools tell it without her note."""
WRONG = (
    "nobody", "other_student", "student_elsewhere", "counselor", "supervisor", "operator", "counselor_elsewhere",
    "supervisor_elsewhere", "operator_elsewhere", "closed_student", "closed_counselor", "demoted_supervisor",
)  # fmt: skip
REVOKED = ("closed_student", "closed_counselor", "demoted_supervisor")
"""Whose tokens still say who they were."""
OF_THE_CAMPUS = ("counselor", "supervisor")
"""Staff of Maya's campus."""
ENDLESS_SECONDS = 3.0


@dataclass(frozen=True)
class World:
    """The service, Maya, her things, and everybody else."""

    settings: Settings
    parts: Parts
    app: FastAPI
    maya: Acting
    people: dict[str, Acting]
    ids: dict[str, str]
    """Fills the paths; those of `HERS` are Maya's."""

    def client(self, name: str) -> httpx.AsyncClient:
        """A program of this person's: it shows a bearer token, and a browser's cookie at pages."""
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, raise_app_exceptions=False), base_url="http://companion", timeout=60
        )
        if name != "nobody":
            client.headers["authorization"] = f"Bearer {self.token(name)}"
        return client

    def token(self, name: str) -> str:
        who = self.maya if name == "maya" else self.people[name]
        return self.parts.accounts.access.issue(who)[0]

    async def ask(self, client: httpx.AsyncClient, name: str, route: str, entry: Entry) -> httpx.Response | None:
        """Send what a right person would send; None for a stream that began."""
        method, path = route.split(" ")
        headers = {"sec-fetch-site": "same-origin"}
        if not path.startswith("/api/"):
            headers["accept"] = "text/html"
        if name != "nobody":
            headers["cookie"] = f"{ACCESS_COOKIE}={self.token(name)}"
        asking = client.request(
            method, path.format(**self.ids) + entry.query, json=entry.json, data=entry.form, headers=headers
        )
        if not entry.endless:
            return await asking
        try:
            return await asyncio.wait_for(asking, ENDLESS_SECONDS)
        except TimeoutError:
            return None

    async def problems(self, name: str) -> list[str]:
        """What this person got that they should not have got, over all routes."""
        found, before = [], held(self.settings, self.maya)
        async with self.client(name) as client:
            for route, entry in ROUTES.items():
                answer = await self.ask(client, name, route, entry)
                client.cookies.clear()
                if not self._fits(route, entry, name, answer):
                    found.append(f"{route}: {answer.status_code if answer else 'streams'}")
                if answer is not None and self.shows(answer):
                    found.append(f"{route}: shows something of hers")
        after = held(self.settings, self.maya)
        return found + [f"changed: {table}" for table, rows in after.items() if rows != before[table]]

    def shows(self, answer: httpx.Response) -> bool:
        """Whether an answer holds anything of Maya's beyond the ids that were asked for."""
        text, asked = unpacked(answer), str(answer.request.url)
        secrets = (MARK, str(self.maya.account_id), *(self.ids[name] for name in HERS))
        return any(secret in text for secret in secrets if secret not in asked)

    def _fits(self, route: str, entry: Entry, name: str, answer: httpx.Response | None) -> bool:
        """Whether this is an answer that a wrong person may get."""
        if entry.whose is Whose.OPEN:
            return answer is not None and answer.status_code < 500
        if name == "nobody" or (name in REVOKED and not entry.of_nobody):
            led = answer is not None and answer.headers.get("location", "").startswith("/sign-in")
            return answer is not None and (led or answer.status_code in (401, 403))
        if self.people[name].role not in ROLES[entry.whose]:
            return answer is not None and answer.status_code == 403
        if answer is None:
            return entry.endless
        if any("{" + hers + "}" in route for hers in HERS):
            closed = name in OF_THE_CAMPUS and "{case_id}" in route
            return answer.status_code in (403, 404) or (closed and (answer.status_code == 409 or entry.says_closed))
        return answer.status_code < 500 and answer.status_code != 403


HERS = ("conversation_id", "conversation", "turn_id", "message", "task_id", "contact_id", "entry_id", "case_id")
"""Parts of a path that name something of Maya's."""


def unpacked(answer: httpx.Response) -> str:
    """The text of an answer; of an archive, that of its files."""
    if answer.headers.get("content-type") != "application/zip":
        return answer.text
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    return "\n".join(archive.read(name).decode() for name in archive.namelist())


def routes_of(app: FastAPI) -> set[str]:
    """Every route of the application, pages and parts of pages included."""
    return {
        f"{method} {context.path}"
        for context in iter_route_contexts(app.routes)
        for method in getattr(context, "methods", None) or ()
        if method != "HEAD"
    }


def unnamed(app: FastAPI) -> set[str]:
    """Routes without an entry, and entries without a route."""
    return routes_of(app) ^ set(ROUTES)


def student_tables(owner: psycopg.Connection[Any]) -> dict[str, str]:
    """Every table with rows of a student, and the column that says whose."""
    found = owner.execute(
        "select table_name, column_name from information_schema.columns where table_schema = 'public'"
        " and column_name = 'student_id' and table_name !~ '^procrastinate' order by 1"
    ).fetchall()
    return dict(found) | {
        "accounts": "id",
        "profiles": "account_id",
        "data_keys": "subject_id",
        "refresh_tokens": "account_id",
    }


def held(settings: Settings, who: Acting) -> dict[str, Any]:
    """How many rows of somebody's each table holds, and a digest of them."""
    with psycopg.connect(settings.owner_dsn.get_secret_value()) as owner:
        return {table: _digest(owner, table, column, who) for table, column in student_tables(owner).items()}


def _digest(owner: psycopg.Connection[Any], table: str, column: str, who: Acting) -> Any:
    query = sql.SQL("select count(*), md5(string_agg(t::text, '|' order by t::text)) from {} t where {} = %s")
    return owner.execute(query.format(sql.Identifier(table), sql.Identifier(column)), (who.account_id,)).fetchone()
