"""The synthetic crisis: a marked test case from intake to acknowledgement, over the real API, queue and channels.

It runs per institution with a student and a counselor who are nobody. Channels rehearse: nobody is disturbed. What does
not arrive alarms the operator, once. Synthetic cases are in no queue of real people and in no figure.
"""

from __future__ import annotations

import asyncio
import os
import tomllib
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from core.crypto import SubjectKey, new_key
from core.ids import AccountId, CaseId, InstitutionId, StudentId, new_id
from core.logs import get_logger
from db.access import Acting, Role
from tools.care.alarm import clear_alarm, raise_alarm
from tools.care.channels import NOT_CONFIGURED
from tools.care.delivery import WorkerApp
from tools.care.desk import Desk
from tools.care.outcomes import Outcome
from tools.people.tokens import AccessTokens

log = get_logger("care.probe")
_FILE = Path(__file__).parent / "probe.toml"
NOT_REHEARSED = "not_rehearsed"
SCREENING = "screening"
"""The alarm that a layer of screening does not run."""
POLL_SECONDS = 0.25
TOKEN_LIFE = timedelta(minutes=5)
KEEP = timedelta(days=1)


class NotArrived(Exception):
    """The probe did not get through; the text is a short code of where it stopped."""


@dataclass(frozen=True, slots=True)
class Nobody:
    """The probe's student and counselor at one institution."""

    student: Acting
    counselor: Acting


def add_probe(app: WorkerApp) -> None:
    """Register the synthetic crisis."""

    @app.periodic(cron=f"*/{load_probe()['every_minutes']} * * * *")
    @app.task(name="probe", queueing_lock="probe", lock="probe")
    async def _probe(timestamp: int) -> None:
        async with app.desk.db.connection() as conn:
            served = await (await conn.execute("select institution_id from institutions_served()")).fetchall()
        for (institution,) in served:
            await probe(app.desk, app.desk.http, InstitutionId(institution))


@cache
def load_probe() -> dict[str, Any]:
    """The packaged settings of the probe."""
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


async def probe(desk: Desk, http: httpx.AsyncClient, institution: InstitutionId) -> str | None:
    """Run one synthetic crisis; returns None when it was acknowledged, else the code of where it stopped."""
    run, started = new_id(), desk.clock.now()
    async with desk.db.connection() as conn:
        await conn.execute(
            "insert into probe_runs (id, institution_id, started_at) values (%s, %s, %s)", (run, institution, started)
        )
    try:
        await _run(desk, http, institution, run)
    except NotArrived as failed:
        failure = str(failed)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        log.warning("probe_unreachable", error=type(error).__name__)
        failure = "api_unreachable"
    else:
        await clear_alarm(desk, "probe", institution)
        return None
    await _mark(desk, run, "failed_at", failure)
    await raise_alarm(desk, "probe", institution, failure=failure)
    return failure


async def _run(desk: Desk, http: httpx.AsyncClient, institution: InstitutionId, run: UUID) -> None:
    nobody = await ensure_nobody(desk, institution)
    student = _Caller(desk, http, nobody.student)
    counselor = _Caller(desk, http, nobody.counselor)
    conversation = (await student("POST", "/conversations"))["id"]
    turn = await student("POST", f"/conversations/{conversation}/turns", {"text": load_probe()["words"]})
    if turn["crisis"] is None:
        raise NotArrived("not_flagged")
    case = await _case_of(desk, nobody.student, conversation)
    await check_layers(desk, nobody.student, conversation)
    await _tidy(desk, nobody.student)
    await _until_sent(desk, nobody.student, case)
    await _mark(desk, run, "arrived_at")
    queue = await counselor("GET", "/care/queue")
    if str(case) not in {entry["id"] for entry in queue["entries"]}:
        raise NotArrived("not_in_queue")
    await counselor("POST", f"/care/cases/{case}/claim", {})
    await _mark(desk, run, "acknowledged_at")
    await counselor("POST", f"/care/cases/{case}/close", {"outcome": Outcome.TEST.value})
    await student("DELETE", f"/conversations/{conversation}")


async def check_layers(desk: Desk, student: Acting, conversation: str) -> None:
    """Look whether every layer of screening ran; the alarm ends when it did and nothing waits to be screened again."""
    async with desk.db.acting(student) as tx:
        cursor = await tx.conn.execute("select degraded from screenings where conversation_id = %s", (conversation,))
        missing = sorted({layer for (layers,) in await cursor.fetchall() for layer in layers})
        waiting = await tx.conn.execute(
            "select 1 from procrastinate_jobs where task_name = 'second_look' and status in ('todo', 'doing') limit 1"
        )
        waits = await waiting.fetchone() is not None
    if missing:
        await raise_alarm(desk, SCREENING, None, layers=", ".join(missing))
    elif not waits:
        await clear_alarm(desk, SCREENING, None)


async def _tidy(desk: Desk, student: Acting) -> None:
    """Remove what earlier probes left, those that stopped on the way included."""
    async with desk.db.connection() as conn:
        await conn.execute("select tidy_probe(%s, %s)", (student.institution_id, desk.clock.now() - KEEP))


async def ensure_nobody(desk: Desk, institution: InstitutionId) -> Nobody:
    """Return the probe's accounts at an institution, made once; nobody can sign in as them."""
    student = await _ensure(desk, institution, Role.STUDENT)
    counselor = await _ensure(desk, institution, Role.COUNSELOR)
    return Nobody(
        Acting.student(institution, StudentId(student)), Acting(institution, AccountId(counselor), Role.COUNSELOR)
    )


async def _ensure(desk: Desk, institution: InstitutionId, role: Role) -> UUID:
    account, key = new_id(), SubjectKey(new_key())
    async with desk.db.connection() as conn:
        cursor = await conn.execute(
            "select ensure_probe_account(%s, %s, %s, %s, %s, %s, %s, %s)",
            (
                institution, account, role.value, os.urandom(32), key.seal("", f"accounts.email:{account}"),
                desk.keys.wrap(key, str(account)), desk.keys.current, key.seal("Test", f"profiles.name:{account}"),
            ),
        )  # fmt: skip
        row = await cursor.fetchone()
    if row is None:
        raise NotArrived("no_account")
    return UUID(str(row[0]))


class _Caller:
    """One of the probe's accounts at the API."""

    def __init__(self, desk: Desk, http: httpx.AsyncClient, who: Acting) -> None:
        key = desk.settings.token_private_key.get_secret_value()
        token, _ = AccessTokens(key, desk.clock, TOKEN_LIFE).issue(who)
        self._http, self._base = http, f"{desk.settings.public_url.rstrip('/')}/api/v1"
        self._headers = {"Authorization": f"Bearer {token}"}

    async def __call__(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        deadline = load_probe()["deadline_seconds"]
        response = await self._http.request(
            method, f"{self._base}{path}", json=body, headers=self._headers, timeout=deadline
        )
        if not response.is_success:
            raise NotArrived(f"{path.split('/')[1]}_{response.status_code}")
        found: dict[str, Any] = response.json()
        return found


async def _case_of(desk: Desk, student: Acting, conversation: str) -> CaseId:
    async with desk.db.acting(student) as tx:
        cursor = await tx.conn.execute("select id, synthetic from cases where conversation_id = %s", (conversation,))
        row = await cursor.fetchone()
    if row is None:
        raise NotArrived("no_case")
    if not row[1]:
        raise NotArrived("not_marked_synthetic")
    return CaseId(row[0])


async def _until_sent(desk: Desk, student: Acting, case: CaseId) -> None:
    """Wait until every notice of the case has gone out or said why not."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + load_probe()["deadline_seconds"]
    while True:
        async with desk.db.acting(student) as tx:
            cursor = await tx.conn.execute(
                "select state, last_error from deliveries where case_id = %s and channel <> 'console'", (case,)
            )
            notices = await cursor.fetchall()
        broken = [error for state, error in notices if state == "failed" and error not in _FORGIVEN]
        if broken:
            raise NotArrived(f"delivery_{broken[0]}")
        if notices and all(state != "committed" for state, _ in notices):
            if not any(state == "sent" for state, _ in notices):
                raise NotArrived("no_channel_configured")
            return
        if loop.time() > deadline:
            raise NotArrived("not_delivered")
        await asyncio.sleep(POLL_SECONDS)


_FORGIVEN = (NOT_CONFIGURED, NOT_REHEARSED)


async def _mark(desk: Desk, run: UUID, what: str, failure: str | None = None) -> None:
    statements = {
        "arrived_at": "update probe_runs set arrived_at = %s, failure = %s where id = %s",
        "acknowledged_at": "update probe_runs set acknowledged_at = %s, failure = %s where id = %s",
        "failed_at": "update probe_runs set failed_at = %s, failure = %s where id = %s",
    }
    async with desk.db.connection() as conn:
        await conn.execute(statements[what], (desk.clock.now(), failure, run))
