"""Whether a campus is ready to go live: one item a question, with what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from db.access import Tx
from safety.policy import Rung
from safety.resources import Resource, resources_for
from tools.care.coverage import Span, gaps
from tools.care.golive.rules import CampusRules, Responder, read_rules
from tools.care.golive.signatures import Part, Signed, read_signatures
from tools.care.probe import load_probe

AHEAD = timedelta(days=7)
CHECKED_FOR = timedelta(days=365)
PROBES_MISSED = 3
"""After so many periods without a probe that came through, the way is not known to work."""


class State(StrEnum):
    """Where an item stands."""

    DONE = "done"
    LOOK = "look"
    """It may be meant so; somebody should look at it."""
    TODO = "todo"


@dataclass(frozen=True, slots=True)
class Item:
    """One question of the list."""

    name: str
    state: State
    finding: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line that students of the campus are shown, and when somebody checked it."""

    resource: Resource
    checked_on: datetime | None
    fresh: bool
    own: bool
    """The newest check is the campus's own; the packaged ones rest on secondary sources."""


@dataclass(frozen=True, slots=True)
class ProbeRun:
    """One synthetic crisis."""

    started_at: datetime
    arrived_at: datetime | None
    acknowledged_at: datetime | None
    failed_at: datetime | None
    failure: str | None


async def read_readiness(tx: Tx, *, at: datetime) -> tuple[Item, ...]:
    """Return the list for the acting person's campus."""
    rules, signed = await read_rules(tx), await read_signatures(tx)
    return (
        _responder(rules),
        _contacts(rules),
        await _confidential(tx, rules),
        await _supervisor(tx),
        await _on_call(tx, at),
        await _numbers(tx, at),
        *(_signature(entry) for entry in signed),
        _lines(await read_lines(tx, rules, at=at)),
        _probe(await read_probes(tx, at_most=1), at),
    )


async def read_lines(tx: Tx, rules: CampusRules, *, at: datetime) -> tuple[Line, ...]:
    """Return the lines of the campus's region with the newest check, its own or the packaged one."""
    row = await (
        await tx.conn.execute("select region from institutions where id = %s", (tx.who.institution_id,))
    ).fetchone()
    return tuple(_line(resource, rules, at) for resource in resources_for(row[0] if row else None))


async def read_probes(tx: Tx, *, at_most: int = 10) -> tuple[ProbeRun, ...]:
    """Return the campus's last synthetic crises, newest first."""
    cursor = await tx.conn.execute(
        "select started_at, arrived_at, acknowledged_at, failed_at, failure from probe_runs"
        " where institution_id = %s order by started_at desc limit %s",
        (tx.who.institution_id, at_most),
    )
    return tuple(ProbeRun(*row) for row in await cursor.fetchall())


def _responder(rules: CampusRules) -> Item:
    name = "Somebody answers around the clock"
    match rules.responder:
        case Responder.UNSAID:
            return Item(name, State.TODO, "Contract a staffed line, staff every hour, or choose the unstaffed mode.")
        case Responder.UNSTAFFED:
            return Item(name, State.LOOK, "Unstaffed: students are told when somebody looks, and shown the lines.")
        case Responder.LINE:
            return Item(name, State.DONE, "A contracted line is called last.")
        case Responder.STAFFED:
            return Item(name, State.DONE, "The campus staffs every hour itself.")


def _contacts(rules: CampusRules) -> Item:
    name = "Whom to call when nobody is on call"
    if not rules.escalation_email:
        return Item(name, State.TODO, "Write down an e-mail address that is read at every hour.")
    if not rules.escalation_phone:
        return Item(name, State.LOOK, "An e-mail address, and no number for text messages.")
    return Item(name, State.DONE, "An e-mail address and a number.")


async def _confidential(tx: Tx, rules: CampusRules) -> Item:
    name = "Somebody for confidential cases"
    row = await (
        await tx.conn.execute(
            "select count(*) from staff s join accounts a on a.id = s.account_id and a.status = 'active'"
            " where s.confidential"
        )
    ).fetchone()
    count = row[0] if row else 0
    if count:
        return Item(name, State.DONE, f"{count} of the staff are confidential.")
    if rules.confidential_email:
        return Item(name, State.LOOK, "An address, and nobody who may open such a case.")
    return Item(name, State.TODO, "Say who of the staff is confidential: nobody else sees cases of abuse.")


async def _supervisor(tx: Tx) -> Item:
    name = "A supervisor"
    cursor = await tx.conn.execute(
        "select 1 from accounts where role = 'supervisor' and status = 'active' and not synthetic limit 1"
    )
    if await cursor.fetchone() is None:
        return Item(name, State.TODO, "Add one: `companion campus staff`. They sign, plan and take over.")
    return Item(name, State.DONE, "There is one.")


async def _on_call(tx: Tx, at: datetime) -> Item:
    name = "The on-call schedule of the next seven days"
    holes = gaps(await duty_spans(tx, at), since=at, until=at + AHEAD)
    hours = sum((hole.ends_at - hole.starts_at).total_seconds() for hole in holes) / 3600
    if not holes:
        return Item(name, State.DONE, "Somebody is on call at every hour.")
    return Item(name, State.LOOK, f"Nobody is on call in {hours:.0f} of 168 hours; the address above is told then.")


async def duty_spans(tx: Tx, at: datetime, rung: Rung = Rung.ON_CALL) -> list[Span]:
    """Return when somebody stands on a rung from a moment on."""
    cursor = await tx.conn.execute(
        "select o.starts_at, o.ends_at from on_call o join accounts a on a.id = o.account_id and a.status = 'active'"
        " where o.rung = %s and o.ends_at > %s",
        (rung, at),
    )
    return [Span(*row) for row in await cursor.fetchall()]


async def _numbers(tx: Tx, at: datetime) -> Item:
    name = "Numbers of those on call"
    row = await (
        await tx.conn.execute(
            "select count(distinct o.account_id), count(distinct o.account_id) filter (where s.phone_sealed is null)"
            " from on_call o left join staff s on s.account_id = o.account_id where o.ends_at > %s",
            (at,),
        )
    ).fetchone()
    people, without = row or (0, 0)
    if without:
        return Item(
            name, State.LOOK, f"{without} of {people} gave no number for text messages; e-mail alone finds them."
        )
    if not people:
        return Item(name, State.LOOK, "Nobody is on the schedule.")
    return Item(name, State.DONE, f"{people} on the schedule, each with a number.")


def _signature(entry: Signed) -> Item:
    names = {
        Part.SCRIPT: "The script is signed",
        Part.POLICY: "Who is told, and how fast, is signed",
        Part.PEOPLE: "What staff read is signed",
        Part.LAW: "Counsel confirmed the law of the region",
    }
    if entry.signed_as is not None:
        return Item(names[entry.part], State.DONE, f"{entry.signed_as}, version {entry.version}.")
    if entry.earlier:
        return Item(names[entry.part], State.TODO, f"It changed since {entry.earlier} signed; read and sign it again.")
    return Item(names[entry.part], State.TODO, "Nobody has signed it.")


def _lines(lines: Sequence[Line]) -> Item:
    name = "The lines answer"
    stale = [line.resource.short for line in lines if not line.fresh]
    foreign = [line.resource.short for line in lines if not line.own]
    if stale:
        return Item(name, State.TODO, f"Call and note: {', '.join(stale)}.")
    if foreign:
        return Item(
            name, State.LOOK, f"Checked against secondary sources only: {', '.join(foreign)}. Call them yourself."
        )
    return Item(name, State.DONE, "The campus checked each within a year.")


def _probe(runs: tuple[ProbeRun, ...], at: datetime) -> Item:
    name = "The synthetic crisis arrives"
    period = timedelta(minutes=int(load_probe()["every_minutes"]))
    if not runs:
        return Item(name, State.TODO, "None has run yet. Start the worker.")
    last = runs[0]
    if last.failure:
        return Item(name, State.TODO, f"The last one stopped: {last.failure.replace('_', ' ')}.")
    if at - last.started_at > PROBES_MISSED * period:
        return Item(name, State.TODO, "None has run for a while. Check the worker.")
    return Item(name, State.DONE if last.acknowledged_at else State.LOOK, "The last one came through.")


def _line(resource: Resource, rules: CampusRules, at: datetime) -> Line:
    own = rules.lines_checked.get(resource.id)
    newest = max(filter(None, (own, resource.verified_on)), default=None)
    moment = datetime(newest.year, newest.month, newest.day, tzinfo=at.tzinfo) if newest else None
    return Line(resource, moment, moment is not None and at - moment <= CHECKED_FOR, own is not None and own == newest)
