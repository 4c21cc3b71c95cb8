"""The tests of the spool, tested: each seeded bug must make its check fail."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from conversations import cut_off, kept, replay
from core.sealed_box import SealingKey
from core.settings import Settings
from safety.triage.state import TriageState
from simulators.run import Running
from tests.integration.care.test_channels import MailServer, mail, receivers
from tests.integration.conversations import test_spool
from tests.integration.conversations.spool_desk import SpoolDesk
from tests.integration.conversations.test_spool import mortal, spool_desk
from tests.mutation import seed
from tools.care import sending

__all__ = ["mail", "mortal", "receivers", "spool_desk"]
Bug = Callable[[pytest.MonkeyPatch], None]


async def must_fail(check: Awaitable[None]) -> None:
    with pytest.raises(AssertionError):
        await check


def plain_on_disk(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SealingKey, "seal", lambda _, plain, bound_to: plain)


def calls_nobody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(cut_off.CutOff, "_begin_call", lambda *_: None)


def asks_to_send_again(patch: pytest.MonkeyPatch) -> None:
    whole = cut_off._answer

    def asking(*given: Any) -> Any:
        step, handled = whole(*given)
        return replace(step, messages=(*step.messages, "Please send it again in a moment.")), handled

    patch.setattr(cut_off, "_answer", asking)


@pytest.mark.parametrize("bug", [plain_on_disk, calls_nobody, asks_to_send_again])
async def test_what_goes_wrong_while_the_database_is_down_is_noticed(
    bug: Bug,
    spool_desk: SpoolDesk,
    mail: tuple[MailServer, str],
    receivers: tuple[Running, Running],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bug(monkeypatch)
    await must_fail(test_spool.test_a_crisis_is_answered_kept_sealed_and_told_to_people(spool_desk, mail, receivers))


def forgets_the_calls(patch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: Any, **__: Any) -> None:
        return None

    patch.setattr(replay, "record_direct_calls", nothing)


def opens_the_case_now(patch: pytest.MonkeyPatch) -> None:
    whole = replay.Judged

    def late(*given: Any) -> Any:
        judged = whole(*given)
        return replace(judged, written_at=judged.at)

    patch.setattr(replay, "Judged", late)


def decides_anew(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        replay,
        "_as_it_was",
        lambda kept, snapshot, found, now: replay.decide(snapshot, kept.text, found, kept.kind, now),
    )


@pytest.mark.parametrize("bug", [forgets_the_calls, opens_the_case_now, decides_anew])
async def test_a_case_that_does_not_say_what_happened_is_noticed(
    bug: Bug,
    spool_desk: SpoolDesk,
    mail: tuple[MailServer, str],
    receivers: tuple[Running, Running],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bug(monkeypatch)
    await must_fail(test_spool.test_the_case_exists_once_and_shows_who_was_told(spool_desk, mail, receivers))


def calls_everybody_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sending, "TOLD", sending.TOLD.replace("d.rung = 'direct'\n", "d.rung = 'nothing'\n"))


def never_calls_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sending, "NOT_ACKNOWLEDGED", "something else")


@pytest.mark.parametrize("bug", [calls_everybody_again, never_calls_again])
async def test_too_many_calls_and_too_few_are_noticed(
    bug: Bug,
    spool_desk: SpoolDesk,
    mail: tuple[MailServer, str],
    receivers: tuple[Running, Running],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bug(monkeypatch)
    await must_fail(
        test_spool.test_whoever_was_told_directly_is_not_told_twice_and_nobody_is_left_out(spool_desk, mail, receivers)
    )


async def test_a_message_that_comes_in_twice_is_noticed(spool_desk: SpoolDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unknown(*_: Any) -> None:
        return None

    monkeypatch.setattr(replay, "known_turn", unknown)
    monkeypatch.setattr(kept.KeptMessage, "key", property(lambda _: str(random.random())), raising=False)
    with pytest.raises((AssertionError, AttributeError)):
        await test_spool.test_a_retry_of_the_client_and_the_replay_are_one_message(spool_desk)


async def test_an_entry_given_up_before_its_commit_is_noticed(
    spool_desk: SpoolDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = replay.Replayer._bring_in

    async def hasty(self: Any, message: Any) -> None:
        self._spool.finish(message.ticket)
        await whole(self, message)
        self._spool.finish = lambda _: None

    monkeypatch.setattr(replay.Replayer, "_bring_in", hasty)
    await must_fail(
        test_spool.test_a_replay_that_dies_at_any_moment_loses_nothing_and_brings_nothing_in_twice(
            spool_desk, monkeypatch
        )
    )


async def test_a_replay_out_of_order_is_noticed(spool_desk: SpoolDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = spool_desk.spool.waiting
    monkeypatch.setattr(type(spool_desk.spool), "waiting", lambda _: whole()[::-1])
    await must_fail(test_spool.test_messages_are_replayed_in_the_order_in_which_they_came(spool_desk))


async def test_a_claim_that_somebody_was_reached_is_noticed(
    spool_desk: SpoolDesk,
    mail: tuple[MailServer, str],
    receivers: tuple[Running, Running],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cut_off, "direct_call_words", lambda *_: "It went out at 3:14 to: the counselors.")
    await must_fail(test_spool.test_nobody_reached_is_said_and_tried_again(spool_desk, mail, receivers, monkeypatch))


async def test_a_state_that_forgets_what_it_did_not_know_is_noticed(
    spool_desk: SpoolDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def blunt(stored: TriageState | None, base: TriageState | None, went_on: TriageState, now: Any) -> TriageState:
        return went_on

    monkeypatch.setattr(replay, "joined", blunt)
    await must_fail(test_spool.test_what_the_script_did_not_know_is_not_forgotten(spool_desk))


async def test_one_broken_entry_that_stops_all_is_noticed(
    spool_desk: SpoolDesk, secrets: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(spool_desk.spool), "waiting", first_of_all(spool_desk))
    await must_fail(
        test_spool.test_one_entry_that_cannot_be_opened_holds_back_its_conversation_alone(spool_desk, secrets)
    )


async def test_a_late_finding_that_is_a_transaction_of_its_own_is_noticed(
    spool_desk: SpoolDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def apart(self: Any, tx: Any, *given: Any) -> None:
        await tx.conn.execute("commit")
        await replay.act_on_late(tx, *given)

    monkeypatch.setattr(replay.Replayer, "_act_on_late", apart)
    await must_fail(test_spool.test_what_only_the_conversation_shows_is_acted_on_whatever_dies(spool_desk, monkeypatch))


async def test_a_late_finding_that_nobody_acts_on_is_noticed(
    spool_desk: SpoolDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: Any) -> None:
        return None

    monkeypatch.setattr(replay.Replayer, "_act_on_late", nothing)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        await test_spool.test_what_only_the_conversation_shows_is_acted_on_whatever_dies(spool_desk, monkeypatch)


async def test_a_first_verdict_that_is_dropped_is_noticed(
    spool_desk: SpoolDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(monkeypatch, replay.Replayer._attempt, "kept.screening.or_worse(again)", "again")
    await must_fail(test_spool.test_the_replay_never_makes_a_verdict_milder(spool_desk))


def test_a_person_who_writes_for_ever_is_noticed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    seed(monkeypatch, cut_off.CutOff.remember, "writing_at=None", "writing_at=facts.delivery.writing_at")
    with pytest.raises(AssertionError):
        test_spool.test_a_person_who_was_writing_is_not_said_to_write_while_nothing_is_known(settings)


def first_of_all(desk: SpoolDesk) -> Callable[[Any], Any]:
    """A spool that shows only its oldest entry until that one is gone."""
    whole = type(desk.spool).waiting
    return lambda self: whole(self)[:1]
