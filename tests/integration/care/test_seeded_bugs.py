"""The tests of care, tested: each seeded bug must make its check fail."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from conversations import first_transaction, live, ticks
from core.errors import CompanionError
from core.ids import CaseId
from db.access import Tx
from safety.triage.state import TriageState
from safety.types import Mode
from tests.integration.care import (
    test_counselor,
    test_delivery,
    test_direct,
    test_ladder,
    test_probe,
    test_report,
    test_rota,
    test_staffing,
    test_ticks,
)
from tests.integration.care.conftest import WORDS, Campus
from tests.integration.care.test_channels import MailServer, mail, outside, receivers
from tests.integration.care.test_direct import Outside, direct
from tools.care import acts, escalation, ladder, probe, report, sending
from tools.care.channels import NotSent, Recipient
from tools.care.delivery import WorkerApp
from tools.care.desk import Desk
from tools.care.outcomes import Outcome

__all__ = ["direct", "mail", "outside", "receivers"]
FAILS = (AssertionError, CompanionError, psycopg.errors.InsufficientPrivilege, pytest.fail.Exception)
"""A check that fails, or a bug that the next line of defence stops."""


async def must_fail(check: Awaitable[None]) -> None:
    with pytest.raises(FAILS):
        await check


async def test_a_job_outside_the_transaction_is_noticed(campus: Campus, monkeypatch: pytest.MonkeyPatch) -> None:
    async def apart(app: Any, tx: Tx, task: str, **ids: Any) -> None:
        given = {name: str(value) for name, value in ids.items()}
        await app.configure_task(task).defer_async(institution="", student="", **given)

    monkeypatch.setattr(ladder, "defer", apart)
    async with campus.jobs.open_async():
        await must_fail(
            test_delivery.test_message_case_notices_and_jobs_commit_together_or_not_at_all(campus, monkeypatch)
        )


async def test_an_error_taken_for_a_success_is_noticed(
    campus: Campus, worker: WorkerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = sending._conclude

    async def forgiving(desk: Desk, who: Any, pending: Any, errors: list[NotSent]) -> None:
        await whole(desk, who, pending, [])

    monkeypatch.setattr(sending, "_conclude", forgiving)
    await must_fail(
        test_delivery.test_a_notice_is_retried_until_it_goes_out_and_every_attempt_is_on_record(
            campus, worker, monkeypatch
        )
    )


async def test_sent_before_it_is_sent_is_noticed(
    campus: Campus, worker: WorkerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database refuses it of the API as well, so that has to be wrong too."""
    campus.change("create policy seeded on deliveries for update to companion_app using (true) with check (true)")
    whole = ladder.commit

    async def hasty(tx: Tx, *given: Any, at: Any, **more: Any) -> Any:
        delivery = await whole(tx, *given, at=at, **more)
        await tx.conn.execute("update deliveries set sent_at = %s where id = %s", (at, delivery))
        return delivery

    monkeypatch.setattr(ladder, "commit", hasty)
    await must_fail(test_delivery.test_the_student_is_told_sent_only_after_somebody_was_told(campus, worker))


async def test_words_in_a_notice_are_noticed(
    campus: Campus, worker: WorkerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "case_link", lambda *_: f"https://campus.example/?about={WORDS}")
    await must_fail(test_delivery.test_no_notice_carries_words_or_a_name(campus, worker))


async def test_an_outbox_that_counts_in_production_is_noticed(campus: Campus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.care.desk.Outbox.configured", True)
    monkeypatch.setattr("core.settings.Settings.production", False)
    await must_fail(test_delivery.test_in_production_a_missing_mail_server_is_not_a_sent_mail(campus))


async def test_an_acknowledgement_that_does_not_stop_the_ladder_is_noticed(
    campus: Campus, worker: WorkerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = acts.claim

    async def forgetful(tx: Tx, case: CaseId, *, at: Any) -> Any:
        found = await whole(tx, case, at=at)
        await tx.conn.execute("update cases set acknowledged_at = null where id = %s", (case,))
        return found

    monkeypatch.setattr(acts, "claim", forgetful)
    await must_fail(test_ladder.test_an_acknowledged_case_calls_nobody_else(campus, worker))


async def test_a_look_that_counts_as_taking_it_on_is_noticed(campus: Campus, worker: WorkerApp) -> None:
    campus.change(
        "create function seeded() returns trigger language plpgsql as"
        " $$ begin new.acknowledged_at := new.first_opened_at; return new; end $$"
    )
    campus.change("create trigger seeded before update on cases for each row execute function seeded()")
    await must_fail(test_ladder.test_opening_a_case_without_claiming_it_stops_nothing(campus, worker))


async def test_a_ladder_that_never_climbs_is_noticed(
    campus: Campus, worker: WorkerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: Any, **__: Any) -> None:
        return None

    monkeypatch.setattr("tools.care.delivery.climb", nothing)
    await must_fail(test_ladder.test_every_rung_is_called_in_time_until_the_contracted_line(campus, worker))


async def test_confidential_words_to_everybody_are_noticed(
    campus: Campus, worker: WorkerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = sending.recipients

    async def loud(tx: Tx, rung: str, **given: Any) -> list[Recipient]:
        return await whole(tx, rung, **{**given, "confidential": False})

    monkeypatch.setattr(sending, "recipients", loud)
    await must_fail(test_ladder.test_a_confidential_case_calls_confidential_staff_only(campus, worker))


async def test_a_claim_that_everybody_wins_is_noticed(campus: Campus, monkeypatch: pytest.MonkeyPatch) -> None:
    async def anybody(tx: Tx, case: CaseId, *, at: Any) -> None:
        await tx.conn.execute(
            "update cases set claimed_by = %s, status = 'claimed' where id = %s", (tx.who.account_id, case)
        )

    monkeypatch.setattr(acts, "claim", anybody)
    await must_fail(test_counselor.test_of_many_who_claim_at_once_one_wins(campus))


@pytest.mark.parametrize(
    "bug",
    [
        "alter policy staff_cases on cases using (app_is_staff())",
        "create policy seeded on cases for select to companion_app using (true)",
    ],
)
async def test_cases_open_to_another_campus_are_noticed(campus: Campus, bug: str) -> None:
    campus.change(bug)
    await must_fail(
        test_counselor.test_the_wrong_person_sees_no_case_and_can_do_nothing_to_it(campus, "foreign_counselor")
    )


@pytest.mark.parametrize(
    "bug",
    [
        "create policy seeded on {} for select to companion_app using (true)",
        "alter table {} disable row level security",
    ],
)
@pytest.mark.parametrize("table", ["case_events", "deliveries", "delivery_attempts", "messages", "screenings"])
async def test_a_table_left_open_is_noticed(campus: Campus, worker: WorkerApp, table: str, bug: str) -> None:
    campus.change(bug.format(table))
    await must_fail(test_counselor.test_the_tables_of_a_case_are_empty_for_the_wrong_person(campus, worker, "jonas"))


async def test_staff_who_see_students_without_a_case_are_noticed(campus: Campus) -> None:
    campus.change(
        "create or replace function staff_sees_student(subject uuid) returns boolean language sql stable"
        " as $$ select true $$"
    )
    await must_fail(test_counselor.test_a_counselor_sees_nothing_of_a_student_without_an_open_case(campus))


async def test_a_companion_that_talks_beside_a_person_is_noticed(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = live.take_number

    async def chatty(tx: Tx, snapshot: Any, mode: Mode, state: Any, **more: Any) -> bool:
        return await whole(tx, snapshot, Mode.GUARDED, None, **more)

    monkeypatch.setattr(live, "take_number", chatty)
    await must_fail(test_counselor.test_a_person_writes_and_the_companion_is_silent(campus))


async def test_a_script_that_believes_people_are_told_is_noticed(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sure(triage: TriageState, outcome: Outcome) -> TriageState:
        return replace(triage, case_open=False)

    monkeypatch.setattr(live, "_rested", sure)
    await must_fail(test_counselor.test_after_a_case_is_closed_the_next_crisis_calls_people_again(campus))


async def test_words_that_outlive_their_conversation_are_noticed(campus: Campus) -> None:
    campus.change("drop trigger forget_words on conversations")
    await must_fail(test_counselor.test_a_deletion_waits_for_the_case_and_leaves_facts_without_words(campus))


async def test_words_among_the_facts_are_noticed(campus: Campus, monkeypatch: pytest.MonkeyPatch) -> None:
    async def plain(tx: Tx, conversation: Any, item: str, value: str, at: Any) -> None:
        case = await escalation.open_case_of(tx, conversation)
        assert case is not None
        await escalation.record(tx, case.id, "answer", at=at, facts={"item": item, "value": value})

    monkeypatch.setattr(escalation, "_answer", plain)
    await must_fail(test_counselor.test_the_students_own_words_among_the_answers_are_sealed(campus))


async def test_a_severity_that_falls_without_a_reason_is_noticed(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = acts.regrade

    async def lax(tx: Tx, case: CaseId, severity: Any, reason: str, *, at: Any) -> Any:
        return await whole(tx, case, severity, reason.strip() or "-", at=at)

    monkeypatch.setattr(acts, "regrade", lax)
    await must_fail(test_counselor.test_severity_falls_only_with_a_reason_by_who_has_the_case(campus))


async def test_a_typing_that_never_ends_is_noticed(campus: Campus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.care.cases.STILL_WRITING", timedelta(days=1))
    await must_fail(test_counselor.test_writing_is_true_only_while_somebody_types(campus))


async def test_a_clock_that_sleeps_through_a_new_message_is_noticed(
    campus: Campus, worker: WorkerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = first_transaction.take_number

    async def drowsy(tx: Tx, *given: Any, at: Any, **_: Any) -> bool:
        return await whole(tx, *given, at=at, tick_at=at + timedelta(days=1))

    monkeypatch.setattr(first_transaction, "take_number", drowsy)
    await must_fail(test_ticks.test_a_message_of_the_student_makes_the_script_look_at_once(campus, worker))


async def test_a_silence_that_calls_nobody_is_noticed(
    campus: Campus, worker: WorkerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ticks.store_step

    async def mute(tx: Tx, jobs: Any, snapshot: Any, step: Any, **more: Any) -> None:
        await whole(tx, jobs, snapshot, replace(step, effects=()), **more)

    monkeypatch.setattr(ticks, "store_step", mute)
    await must_fail(test_ticks.test_silence_at_high_risk_is_nudged_at_two_minutes_and_paged_at_five(campus, worker))


async def test_one_failure_that_stops_the_clock_is_noticed(
    campus: Campus, worker: WorkerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: Any) -> None:
        return None

    monkeypatch.setattr(ticks, "_put_off", nothing)
    await must_fail(
        test_ticks.test_conversations_that_cannot_be_read_do_not_stop_the_others(campus, worker, monkeypatch)
    )


async def test_a_probe_that_fails_in_silence_is_noticed(
    campus: Campus, worker: WorkerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: Any, **__: Any) -> bool:
        return False

    monkeypatch.setattr(probe, "raise_alarm", nothing)
    await must_fail(test_probe.test_a_probe_that_is_not_flagged_or_never_delivered_is_a_failure(campus, worker))


async def test_a_start_without_a_responder_is_noticed(campus: Campus, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: Any) -> None:
        return None

    monkeypatch.setattr("tools.care.desk.require_responders", nothing)
    await must_fail(test_staffing.test_production_does_not_start_without_a_responder(campus))


async def test_a_confidential_matter_called_out_loud_is_noticed(
    campus: Campus, direct: Outside, mail: tuple[MailServer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = direct.contacts.recipients
    monkeypatch.setattr(direct.contacts, "recipients", lambda campus, **_: whole(campus, confidential=False))
    await must_fail(test_direct.test_a_confidential_matter_is_not_told_to_the_campus_address(campus, direct, mail))


async def test_staff_who_make_themselves_confidential_are_noticed(campus: Campus) -> None:
    campus.change("alter policy self_updates on staff using (true) with check (true)")
    campus.change(
        "create or replace function set_confidential(subject uuid, value boolean) returns boolean language sql"
        " security definer as $$ select true $$"
    )
    await must_fail(test_rota.test_nobody_makes_themself_confidential(campus))


async def test_a_disclosure_that_is_forgotten_is_noticed(campus: Campus) -> None:
    campus.change(
        "create or replace function forget_words() returns trigger language plpgsql security definer as"
        " $$ begin update case_events set body_sealed = null where case_id in"
        " (select id from cases where conversation_id = old.id); return old; end $$"
    )
    await must_fail(test_report.test_a_disclosure_needs_a_basis_and_a_recipient_and_outlives_the_conversation(campus))


async def test_denied_taken_for_a_false_alarm_is_noticed(campus: Campus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "RULES", report.RULES.replace("= 'misread'", "in ('misread', 'denied')"))
    await must_fail(test_report.test_only_a_misread_is_a_false_alarm(campus))


async def test_cases_that_nobody_opened_taken_for_quick_ones_are_noticed(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "RESPONSES", report.RESPONSES.replace("filter (where wait is not null)", ""))
    await must_fail(test_report.test_response_times_are_of_what_happened_and_say_how_often_that_was(campus))


async def test_counters_that_miss_what_is_overdue_are_noticed(campus: Campus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        report, "NOW", report.NOW.replace("acknowledged_at is null and due_at", "due_at is null and due_at")
    )
    await must_fail(test_report.test_the_counters_are_those_of_the_queue_and_show_nothing_to_the_console(campus))


async def test_a_predictive_value_that_is_too_sure_is_noticed(campus: Campus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "wilson", lambda hits, total: (hits / total, hits / total))
    await must_fail(test_report.test_an_interval_stands_beside_every_predictive_value(campus))
