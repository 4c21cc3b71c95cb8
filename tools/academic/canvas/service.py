"""What a student can do with Canvas here: connect it, see how it stands, have it looked at now, take it back."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable
from datetime import timedelta

from procrastinate import App

from core.errors import CompanionError
from db.access import Acting, Database
from tools.academic.canvas import mirror
from tools.academic.canvas.client import Token
from tools.academic.canvas.config import load_figures
from tools.academic.canvas.connections import begin_connection, end_connection, note_seen, read_connection
from tools.academic.canvas.desk import CanvasDesk
from tools.academic.canvas.failures import Busy, CanvasFailure, Disconnected, SetUpWrong, Unreachable
from tools.academic.canvas.meaning import WorkState, is_missing, state_of
from tools.academic.canvas.models import Course, Work
from tools.academic.canvas.oauth import OURS, new_secrets
from tools.academic.canvas.schedule import hand_over
from tools.academic.canvas.statuses import CanvasStatus, load_words, status_text, without_connection
from tools.academic.canvas.times import zone_of_student
from tools.people.consent import ConsentKind, require_consent, withdraw_consent
from tools.people.keys import student_key
from tools.people.people import require_student

SIGN_IN_LIFE = timedelta(minutes=10)
"""As long as Canvas keeps a code and its challenge."""
WEEK = timedelta(days=7)


class CanvasSignIn(CompanionError):
    """Canvas didn't accept the sign-in. Start again with Connect."""

    status = 409
    code = "canvas_sign_in"


class CanvasAway(CompanionError):
    """Canvas doesn't answer right now. Try again in a few minutes."""

    status = 503
    code = "canvas_away"


class CanvasNotOffered(CompanionError):
    """Your campus has not set up Canvas here."""

    status = 404
    code = "canvas_not_offered"


async def begin_sign_in(desk: CanvasDesk, who: Acting, *, app: bool = False) -> str:
    """Return the address at which the student allows the service to read; good for ten minutes and one answer.

    Raises `ConsentNeeded` unless the student agreed here before, in the words of `consents.yaml`.
    """
    redirect = desk.config.app_redirect_url if app else desk.config.redirect_url
    if redirect is None:
        raise CanvasNotOffered(load_words().sign_in["no_app"])
    fresh, now = new_secrets(), desk.clock.now()
    async with desk.db.acting(who) as tx:
        await require_consent(tx, ConsentKind.CANVAS)
        student, key, state_hash = require_student(tx), await student_key(tx), _hash(fresh.state)
        await tx.conn.execute("delete from canvas_sign_ins where student_id = %s and expires_at < %s", (student, now))
        await tx.conn.execute(
            "insert into canvas_sign_ins (state_hash, institution_id, student_id, verifier_sealed, redirect_url,"
            " expires_at) values (%s, %s, %s, %s, %s, %s)",
            (
                state_hash,
                who.institution_id,
                student,
                key.seal(fresh.verifier, f"canvas_sign_ins.verifier:{state_hash.hex()}"),
                redirect,
                now + SIGN_IN_LIFE,
            ),
        )
    return desk.oauth.authorise_url(fresh, redirect)


async def finish_sign_in(
    desk: CanvasDesk, jobs: App, who: Acting, *, state: str, code: str | None, error: str | None
) -> CanvasStatus:
    """Take Canvas's answer to our question; raises `CanvasSignIn` or `CanvasAway` with words for the student.

    The answer counts only for the student who asked, once, and within ten minutes.
    """
    words = load_words().sign_in
    verifier, redirect = await _take(desk, who, state)
    if error is not None:
        name = "denied" if error == "access_denied" else "set_up" if error in OURS else "failed"
        raise CanvasSignIn(words[name])
    if not code:
        raise CanvasSignIn(words["failed"])
    token = await _or_say(desk.oauth.exchange(code, verifier, redirect))
    async with desk.db.acting(who) as tx:
        await require_consent(tx, ConsentKind.CANVAS)
        await begin_connection(tx, await student_key(tx), token, at=desk.clock.now())
        await hand_over(jobs, tx.conn, desk.config, who.institution_id, require_student(tx))
    return await read_status(desk, desk.db, who)


async def read_status(desk: CanvasDesk | None, db: Database, who: Acting) -> CanvasStatus:
    """How the student's connection stands. Being asked counts as a sign of life: a dormant student becomes active."""
    if desk is None:
        return without_connection("not_offered")
    now = desk.clock.now()
    async with db.acting(who) as tx:
        connection = await read_connection(tx)
        if connection is None:
            return without_connection("not_connected")
        await note_seen(tx, now)
        zone, key = await zone_of_student(tx, connection.time_zone), await student_key(tx)
        work, courses = await mirror.read(tx, key, Work), await mirror.read(tx, key, Course)
    soon = [one for one in work if one.due and now <= one.due <= now + WEEK and state_of(one, now) is WorkState.DUE]
    return CanvasStatus(
        state=connection.state,
        text=status_text(connection, zone, now),
        connected=connection.state not in ("sign_in_again", "set_up"),
        synced_at=connection.synced_at.astimezone(zone) if connection.synced_at else None,
        next_sync_at=connection.next_sync_at.astimezone(zone) if connection.next_sync_at else None,
        courses=len(courses),
        missing=sum(is_missing(one, now) for one in work),
        due_this_week=len(soon),
    )


async def ask_for_sync(desk: CanvasDesk, jobs: App, who: Acting) -> CanvasStatus:
    """Have Canvas looked at now; within a minute of the last look, or while one waits, nothing new is asked."""
    gap, now = timedelta(seconds=load_figures()["cycle"]["shortest_gap"]), desk.clock.now()
    async with desk.db.acting(who) as tx:
        connection = await read_connection(tx)
        resting = connection is None or connection.state == "sign_in_again"
        if connection and not resting and (connection.asked_at is None or now - connection.asked_at >= gap):
            await hand_over(jobs, tx.conn, desk.config, who.institution_id, require_student(tx))
    return await read_status(desk, desk.db, who)


async def disconnect(desk: CanvasDesk, who: Acting) -> str:
    """Give the permission back and delete everything that came from Canvas; returns the words for it.

    What is here is deleted whether Canvas answers or not, and the consent ends with it: connecting again asks again.
    """
    words = load_words().disconnect
    gone = await _give_back(desk, who)
    async with desk.db.acting(who) as tx:
        await end_connection(tx)
        await withdraw_consent(tx, ConsentKind.CANVAS, at=desk.clock.now())
    return words["gone" if gone else "kept"]


async def _give_back(desk: CanvasDesk, who: Acting) -> bool:
    access = desk.access(who)
    try:
        token = await access.current()
        return await desk.oauth.revoke(token) or await desk.oauth.revoke(await access.renewed(token))
    except Disconnected:
        return True
    except CanvasFailure as failure:
        return failure.code == "sign_in_again"  # The permission was gone already.


async def _take(desk: CanvasDesk, who: Acting, state: str) -> tuple[str, str]:
    """Use a sign-in up; raises `CanvasSignIn` for one that is not this student's, was used, or is too old."""
    state_hash = _hash(state)
    async with desk.db.acting(who) as tx:
        cursor = await tx.conn.execute(
            "delete from canvas_sign_ins where state_hash = %s and student_id = %s"
            " returning verifier_sealed, redirect_url, expires_at",
            (state_hash, require_student(tx)),
        )
        row = await cursor.fetchone()
        key = await student_key(tx)
    if row is None or row[2] < desk.clock.now():
        raise CanvasSignIn(load_words().sign_in["stale"])
    return key.open(row[0], f"canvas_sign_ins.verifier:{state_hash.hex()}"), row[1]


async def _or_say(asked: Awaitable[Token]) -> Token:
    words = load_words().sign_in
    try:
        return await asked
    except Busy as failure:
        raise CanvasAway(words["busy"]) from failure
    except Unreachable as failure:
        raise CanvasAway(words["unreachable"]) from failure
    except SetUpWrong as failure:
        raise CanvasSignIn(words["set_up"]) from failure
    except CanvasFailure as failure:
        raise CanvasSignIn(words["failed"]) from failure


def _hash(state: str) -> bytes:
    return hashlib.sha256(state.encode()).digest()
