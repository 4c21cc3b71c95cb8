"""What a campus fills in and signs before it goes live: by whom, on record, and read by the parts that act on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta
from pathlib import Path
from types import MappingProxyType

import psycopg
import pytest

from core.errors import Conflict, InvalidInput, NotAllowed
from core.ids import new_id
from db.access import Acting, Role
from safety.policy import Rung
from safety.resources import resources_for
from tests.integration.care.conftest import Campus, add_person
from tests.integration.care.test_counselor import act
from tools.care.golive import signatures
from tools.care.golive.readiness import Item, State, read_lines, read_readiness
from tools.care.golive.rules import CampusRules, Hours, Responder, read_rules, write_rules
from tools.care.golive.signatures import Part, read_signatures, sign, version_of
from tools.care.rota import add_duty, read_members, set_confidential, set_phone
from tools.care.staffing import responder_problem, staffing

WEEKDAYS = Hours((0, 1, 2, 3, 4), time(9), time(17))
FULL = CampusRules(
    responder=Responder.LINE,
    line_email="line@answers.example.org",
    line_phone="+15550100150",
    hours=(WEEKDAYS,),
    escalation_email="duty@hill.example.org",
    escalation_phone="+15550100151",
    confidential_email="care@hill.example.org",
    lines_checked=MappingProxyType({"us-988": date(2026, 11, 1)}),
)


@pytest.fixture
async def vera(campus: Campus) -> Acting:
    return await add_person(campus.people, "hill", "vera", Role.SUPERVISOR)


async def write(campus: Campus, rules: CampusRules, who: Acting | None = None) -> tuple[str, ...]:
    return await act(campus, who or campus.people.operator, lambda tx: write_rules(tx, rules, at=campus.clock.now()))


async def readiness(campus: Campus) -> dict[str, Item]:
    items = await act(campus, campus.people.operator, lambda tx: read_readiness(tx, at=campus.clock.now()))
    return {item.name: item for item in items}


def settings_of(campus: Campus) -> dict[str, object]:
    found: dict[str, object] = campus.rows("select settings from institutions where slug = 'hill'")[0]["settings"]
    return found


async def test_what_is_written_is_read_again_and_by_the_parts_that_act_on_it(campus: Campus) -> None:
    campus.change("update institutions set settings = settings || '{\"own_key\": 7}' where slug = 'hill'")
    assert "line_24_7" in await write(campus, FULL)
    assert await act(campus, campus.people.operator, read_rules) == FULL
    assert settings_of(campus).get("own_key") == 7
    assert await write(campus, FULL) == ()
    assert len(campus.rows("select 1 from protocol_changes")) == 1
    assert campus.rows("select settings from institutions where slug = 'valley'")[0]["settings"]["staffing"] == "always"


@pytest.mark.parametrize(
    ("rules", "problem", "staffed"),
    [
        (FULL, False, True),
        (replace(FULL, responder=Responder.STAFFED, line_email="", line_phone=""), False, True),
        (replace(FULL, responder=Responder.UNSTAFFED, line_email="", line_phone=""), False, False),
        (replace(FULL, responder=Responder.UNSAID, line_email="", line_phone=""), True, False),
    ],
    ids=["line", "staffed", "unstaffed", "unsaid"],
)
async def test_each_responder_means_to_the_service_what_it_says(
    campus: Campus, rules: CampusRules, problem: bool, staffed: bool
) -> None:
    await write(campus, rules)
    found = settings_of(campus)
    sunday = campus.clock.now() + timedelta(days=(6 - campus.clock.now().weekday()) % 7)
    assert (responder_problem(found) is not None) == problem
    assert staffing(found, "UTC", sunday).now == staffed
    assert (await act(campus, campus.people.operator, read_rules)).responder is rules.responder


@pytest.mark.parametrize(
    "change",
    [
        {"line_email": "", "line_phone": ""},
        {"escalation_email": "nobody"},
        {"escalation_phone": "5550100"},
        {"hours": (Hours((), time(9), time(17)),)},
        {"hours": (Hours((0,), time(17), time(9)),)},
        {"responder": Responder.UNSTAFFED, "hours": ()},
    ],
    ids=["line", "mail", "number", "no day", "backwards", "no hours"],
)
async def test_what_cannot_be_called_is_refused(campus: Campus, change: dict[str, object]) -> None:
    before = settings_of(campus)
    with pytest.raises(InvalidInput):
        await write(campus, replace(FULL, **change))  # type: ignore[arg-type]
    assert settings_of(campus) == before


async def test_only_the_operator_of_the_campus_writes(campus: Campus, vera: Acting) -> None:
    before = settings_of(campus)
    for who in (campus.people.rosa, campus.people.maya, vera, campus.people.foreign_counselor):
        with pytest.raises(NotAllowed):
            await write(campus, FULL, who)
        changed = await act(campus, who, lambda tx: tx.conn.execute("update institutions set settings = '{}'"))
        assert changed.rowcount == 0
    await act(campus, campus.people.operator, lambda tx: tx.conn.execute("update institutions set settings = settings"))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await act(campus, campus.people.operator, lambda tx: tx.conn.execute("update institutions set name = 'x'"))
    assert settings_of(campus) == before


async def test_a_part_is_signed_by_who_may_and_as_it_was_read(campus: Campus, vera: Acting) -> None:
    now = campus.clock.now()
    for who in (campus.people.rosa, campus.people.operator, campus.people.maya):
        with pytest.raises(NotAllowed):
            await act(campus, who, lambda tx: sign(tx, Part.SCRIPT, version_of(Part.SCRIPT), "Dr. X", at=now))
    with pytest.raises(NotAllowed):
        await act(campus, vera, lambda tx: sign(tx, Part.LAW, version_of(Part.LAW), "Counsel", at=now))
    with pytest.raises(Conflict):
        await act(campus, vera, lambda tx: sign(tx, Part.SCRIPT, "another", "Dr. Vera Lind", at=now))
    with pytest.raises(InvalidInput):
        await act(campus, vera, lambda tx: sign(tx, Part.SCRIPT, version_of(Part.SCRIPT), " ", at=now))
    await act(campus, vera, lambda tx: sign(tx, Part.SCRIPT, version_of(Part.SCRIPT), "Dr. Vera Lind", at=now))
    with pytest.raises(Conflict):
        await act(campus, vera, lambda tx: sign(tx, Part.SCRIPT, version_of(Part.SCRIPT), "Somebody", at=now))
    found = {entry.part: entry.signed_as for entry in await act(campus, vera, read_signatures)}
    assert found == {Part.SCRIPT: "Dr. Vera Lind", Part.POLICY: None, Part.PEOPLE: None, Part.LAW: None}
    foreign = await act(campus, campus.people.foreign_counselor, read_signatures)
    assert {entry.signed_as for entry in foreign} == {None}


async def test_a_changed_word_is_a_version_that_nobody_signed(
    campus: Campus, vera: Acting, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    now = campus.clock.now()
    await act(campus, vera, lambda tx: sign(tx, Part.POLICY, version_of(Part.POLICY), "Dr. Vera Lind", at=now))
    changed = tmp_path / "policy.toml"
    changed.write_text(signatures.files_of(Part.POLICY)[0].read_text().replace("ack_minutes = 5", "ack_minutes = 50"))
    monkeypatch.setattr(signatures, "files_of", lambda _: [changed])
    monkeypatch.setattr(signatures, "version_of", signatures.version_of.__wrapped__)
    [entry] = [one for one in await act(campus, vera, read_signatures) if one.part is Part.POLICY]
    assert (entry.signed_as, entry.earlier) == (None, "Dr. Vera Lind")
    assert (await readiness(campus))["Who is told, and how fast, is signed"].state is State.TODO


async def test_the_database_takes_no_signature_of_anybody_else(campus: Campus, vera: Acting) -> None:
    """Row-level security alone, without the code above it."""

    async def insert(who: Acting, part: str, named: Acting | None = None) -> None:
        async with campus.db.acting(who) as tx:
            await tx.conn.execute(
                "insert into signatures (id, institution_id, account_id, part, version, signed_as, signed_at)"
                " values (%s, %s, %s, %s, '1', 'x', now())",
                (new_id(), who.institution_id, (named or who).account_id, part),
            )

    for who, part, named in (
        (campus.people.rosa, "script", None), (campus.people.operator, "script", None), (vera, "law", None),
        (campus.people.maya, "law", None), (vera, "script", campus.people.rosa),
    ):  # fmt: skip
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await insert(who, part, named)
    await insert(vera, "script")
    for statement in ("update signatures set signed_as = 'y'", "delete from signatures"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await act(campus, vera, lambda tx: tx.conn.execute(statement))  # noqa: B023


async def test_the_list_says_what_is_missing_until_nothing_is(campus: Campus, vera: Acting) -> None:
    campus.change("update institutions set settings = '{}' where slug = 'hill'")
    now = campus.clock.now()
    missing = {name for name, item in (await readiness(campus)).items() if item.state is State.TODO}
    assert missing >= {
        "Somebody answers around the clock", "Whom to call when nobody is on call", "Somebody for confidential cases",
        "The script is signed", "Counsel confirmed the law of the region", "The synthetic crisis arrives",
    }  # fmt: skip
    assert (await readiness(campus))["The lines answer"].state is State.LOOK, (
        "secondary sources are no call of one's own"
    )
    checked = MappingProxyType({resource.id: now.date() for resource in resources_for("US")})
    await write(campus, replace(FULL, lines_checked=checked))
    await act(campus, campus.people.operator, lambda tx: set_confidential(tx, campus.people.sam.account_id, True))
    await act(campus, campus.people.sam, lambda tx: set_phone(tx, "+15550100123", at=now))
    await act(
        campus,
        vera,
        lambda tx: add_duty(tx, campus.people.sam.account_id, Rung.ON_CALL, now, now + timedelta(days=8)),
    )
    for part in Part:
        who = campus.people.operator if part is Part.LAW else vera
        await act(campus, who, lambda tx: sign(tx, part, version_of(part), "Dr. Vera Lind", at=now))  # noqa: B023
    campus.change(
        "insert into probe_runs (id, institution_id, started_at, arrived_at, acknowledged_at) values (%s, %s, %s, %s, %s)",
        new_id(), campus.people.rosa.institution_id, now, now, now,
    )  # fmt: skip
    assert {
        name: item.finding for name, item in (await readiness(campus)).items() if item.state is not State.DONE
    } == {}
    campus.clock.advance(timedelta(days=2))
    found = await readiness(campus)
    assert found["The synthetic crisis arrives"].state is State.TODO
    assert found["The on-call schedule of the next seven days"].state is State.LOOK


async def test_a_line_is_fresh_for_a_year_after_the_newest_check(campus: Campus) -> None:
    old = MappingProxyType({resource.id: date(2020, 1, 1) for resource in resources_for("US")})
    lines = await act(
        campus,
        campus.people.operator,
        lambda tx: read_lines(tx, replace(FULL, lines_checked=old), at=campus.clock.now() + timedelta(days=800)),
    )
    assert lines and not any(line.fresh for line in lines)
    elsewhere = replace(FULL, lines_checked=MappingProxyType({}))
    packaged = await act(campus, campus.people.operator, lambda tx: read_lines(tx, elsewhere, at=campus.clock.now()))
    assert not any(line.own for line in packaged)


async def test_the_operator_sees_the_staff_and_no_student(campus: Campus) -> None:
    await campus.crisis()
    members = await act(campus, campus.people.operator, read_members)
    assert [member.name for member in members] == ["Rosa", "Sam"]
    async with campus.db.acting(campus.people.operator) as tx:
        for table, column in (("profiles", "account_id"), ("data_keys", "subject_id")):
            cursor = await tx.conn.execute(f"select {column} from {table}")  # noqa: S608  # our own names
            ids = {row[0] for row in await cursor.fetchall()}
            assert campus.people.maya.account_id not in ids and campus.people.foreign_counselor.account_id not in ids
        for table in ("cases", "messages", "case_events", "conversations"):
            assert await (await tx.conn.execute(f"select 1 from {table}")).fetchall() == []  # noqa: S608
    for who in (campus.people.rosa, campus.people.maya):
        with pytest.raises(NotAllowed):
            await act(campus, who, read_members)
