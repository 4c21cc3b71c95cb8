"""What a supervisor governs alarms by, and what the law wants on record."""

from __future__ import annotations

from datetime import timedelta

import pytest

from conversations import live
from core.errors import InvalidInput, NotAllowed
from core.ids import CaseId
from db.access import Role
from safety.types import Category, Severity
from tests.integration.care.conftest import Campus, add_person
from tools.care import acts
from tools.care.disclosure import ToldOutside, record_disclosure
from tools.care.dossier import open_dossier
from tools.care.outcomes import Outcome
from tools.care.queue import read_queue
from tools.care.report import Report, read_report
from tools.care.shown import mark_shown


async def close(campus: Campus, outcome: Outcome, after: timedelta, severity: Severity = Severity.HIGH) -> CaseId:
    case = await campus.case_of(await campus.crisis(severity))
    campus.clock.advance(after)
    async with campus.db.acting(campus.people.rosa) as tx:
        await acts.claim(tx, case, at=campus.clock.now())
        await live.close(tx, case, outcome, "", at=campus.clock.now())
    return case


async def report(campus: Campus) -> Report:
    vera = await add_person(campus.people, "hill", "vera", Role.SUPERVISOR)
    async with campus.db.acting(vera) as tx:
        return await read_report(tx, since=None, until=None, at=campus.clock.now() + timedelta(seconds=1))


async def test_only_a_misread_is_a_false_alarm(campus: Campus) -> None:
    for outcome in (Outcome.CONTACTED, Outcome.DENIED, Outcome.TRUE_BUT_LOW, Outcome.UNREACHABLE, Outcome.MISREAD):
        await close(campus, outcome, timedelta(minutes=1))
    await close(campus, Outcome.TEST, timedelta(minutes=1))
    found = await report(campus)
    [rule] = found.rules
    assert (rule.layer, rule.rule, rule.cases, rule.misread, rule.predictive_value) == (
        "lexicon",
        "test.rule",
        5,
        1,
        0.8,
    )
    assert (found.cases, found.closed, found.misread, found.pages) == (5, 5, 1, 5)
    assert sum(shift.pages for shift in found.shifts) == 5
    assert "test" not in found.outcomes


async def test_response_times_are_of_what_happened_and_say_how_often_that_was(campus: Campus) -> None:
    """Sent by the console at once, opened after 1, 3 and 8 minutes, answered a minute later; one nobody ever opened."""
    for minutes in (1, 3, 8, None):
        case = await campus.case_of(await campus.crisis())
        async with campus.db.acting(campus.people.sam) as tx:
            await mark_shown(tx, [case], at=campus.clock.now())
        if minutes is None:
            continue
        campus.clock.advance(timedelta(minutes=minutes))
        async with campus.db.acting(campus.people.rosa) as tx:
            await open_dossier(tx, case, at=campus.clock.now())
            await acts.claim(tx, case, at=campus.clock.now())
        campus.clock.advance(timedelta(minutes=1))
        async with campus.db.acting(campus.people.rosa) as tx:
            await live.reply(tx, campus.jobs, case, "Hi.", at=campus.clock.now())
    found = await report(campus)
    steps = {entry.step: entry for entry in found.responses}
    assert {(entry.tier, entry.cases, entry.happened) for entry in found.responses} == {("page_now", 4, 3)}
    assert (steps["opened"].median_seconds, steps["opened"].p90_seconds) == (180, 420)
    assert (steps["replied"].median_seconds, steps["sent_to_replied"].median_seconds) == (60, 240)
    assert steps["claimed"].median_seconds == 180
    assert found.late == 1


async def test_an_interval_stands_beside_every_predictive_value(campus: Campus) -> None:
    for outcome in (Outcome.CONTACTED, Outcome.CONTACTED, Outcome.CONTACTED, Outcome.CONTACTED, Outcome.MISREAD):
        await close(campus, outcome, timedelta(minutes=1))
    [rule] = (await report(campus)).rules
    assert (rule.cases, rule.misread, rule.predictive_value, rule.few) == (5, 1, 0.8, True)
    assert (rule.low, rule.high) == pytest.approx((0.3755, 0.9638), abs=1e-3)


async def test_pages_per_shift_count_the_quiet_shifts_too(campus: Campus) -> None:
    for _ in range(3):
        await close(campus, Outcome.CONTACTED, timedelta(minutes=1))
    found = await report(campus)
    assert (found.pages, found.most_pages) == (3, 3)
    assert found.pages_per_shift == pytest.approx(3 / 90, abs=1e-3)


async def test_the_counters_are_those_of_the_queue_and_show_nothing_to_the_console(campus: Campus) -> None:
    await campus.crisis()
    await campus.crisis(Severity.LOW)
    campus.clock.advance(timedelta(minutes=6))
    case = await campus.case_of(await campus.crisis())
    async with campus.db.acting(campus.people.rosa) as tx:
        await acts.claim(tx, case, at=campus.clock.now())
    now = (await report(campus)).now
    assert (now.open, now.unassigned, now.overdue) == (3, 2, 1)
    assert campus.rows("select 1 from deliveries where channel = 'console' and sent_at is not null") == []
    async with campus.db.acting(campus.people.rosa) as tx:
        queue = await read_queue(tx, at=campus.clock.now())
    assert (len(queue.entries), queue.unassigned, queue.overdue) == (now.open, now.unassigned, now.overdue)


async def test_another_campus_counts_for_itself(campus: Campus) -> None:
    await close(campus, Outcome.CONTACTED, timedelta(minutes=1))
    async with campus.db.acting(campus.people.foreign_counselor) as tx:
        found = await read_report(tx, since=None, until=None, at=campus.clock.now())
    assert (found.cases, found.rules, found.shifts) == (0, (), ())
    async with campus.db.acting(campus.people.maya) as tx:
        with pytest.raises(NotAllowed):
            await read_report(tx, since=None, until=None, at=campus.clock.now())


async def test_a_disclosure_needs_a_basis_and_a_recipient_and_outlives_the_conversation(campus: Campus) -> None:
    from conversations import history  # noqa: PLC0415

    conversation = await campus.crisis()
    case, now = await campus.case_of(conversation), campus.clock.now()
    async with campus.db.acting(campus.people.rosa) as tx:
        await acts.claim(tx, case, at=now)
        for threat, told in (("", [ToldOutside.POLICE]), ("took pills, no answer", [])):
            with pytest.raises(InvalidInput):
                await record_disclosure(tx, case, threat, told, at=now)
        await record_disclosure(tx, case, "took pills, no answer", [ToldOutside.EMERGENCY_SERVICES], at=now)
    async with campus.db.acting(campus.people.maya) as tx:
        await history.delete_conversation(tx, conversation, at=now)
    async with campus.db.acting(campus.people.rosa) as tx:
        await live.close(tx, case, Outcome.EMERGENCY_SERVICES, "paramedics are there", at=now)
    kept = campus.rows("select kind, facts from case_events where body_sealed is not null")
    assert kept == [{"kind": "disclosed", "facts": {"told": ["emergency_services"]}}]


@pytest.mark.parametrize(
    ("severity", "category", "word"),
    [
        (Severity.HIGH, Category.SUICIDE, "How are you right now"),
        (Severity.IMMINENT, Category.SUICIDE, "called for help"),
        (Severity.HIGH, Category.THIRD_PARTY, "looking out for somebody"),
    ],
)
async def test_the_page_suggests_first_words(campus: Campus, severity: Severity, category: Category, word: str) -> None:
    case = await campus.case_of(await campus.crisis(severity, category))
    async with campus.db.acting(campus.people.rosa) as tx:
        page = await open_dossier(tx, case, at=campus.clock.now())
    assert word in page.opener and "Rosa" in page.opener and "Hill" in page.opener
