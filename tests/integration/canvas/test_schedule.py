"""Who is looked at when: spread, dormant students slower, lanes, and one student's failure that stays with the student."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from core.errors import NotAllowed
from core.ids import new_id
from tests.integration.canvas.conftest import JONAS, MAYA, NOW, Bench
from tools.academic.canvas import schedule, service
from tools.academic.canvas.connections import next_turn, slot_after
from tools.academic.canvas.models import Work
from tools.people.consent import ConsentKind, ConsentNeeded, withdraw_consent

QUARTER = timedelta(minutes=15)


def test_turns_are_spread_and_stay_where_they_are() -> None:
    students = [uuid4() for _ in range(900)]
    turns = [slot_after(student, NOW, QUARTER) for student in students]
    assert all(NOW < turn <= NOW + QUARTER for turn in turns)
    per_minute = [
        sum(minute <= (turn - NOW).total_seconds() / 60 < minute + 1 for turn in turns) for minute in range(15)
    ]
    assert min(per_minute) > 20
    for student, turn in zip(students, turns, strict=True):
        assert slot_after(student, turn, QUARTER) == turn + QUARTER


def test_whoever_has_long_not_been_here_is_looked_at_rarely() -> None:
    student = new_id()
    assert next_turn(student, NOW, NOW - timedelta(days=6)) <= NOW + QUARTER
    later = [next_turn(uuid4(), NOW, NOW - timedelta(days=8)) - NOW for _ in range(200)]
    assert max(later) > timedelta(hours=4)
    assert max(later) <= timedelta(hours=6)


async def test_a_dormant_student_who_comes_back_is_looked_at_soon(connected: Bench) -> None:
    maya = connected.people.maya
    connected.pass_time(timedelta(days=9))
    assert await connected.sync(maya) == "current"
    asleep = (await connected.connection(maya)).next_sync_at
    connected.pass_time(timedelta(minutes=1))
    await connected.status(maya)
    awake = (await connected.connection(maya)).next_sync_at
    assert asleep is not None
    assert awake is not None
    assert awake <= connected.clock.now() + QUARTER
    assert awake <= asleep


async def test_a_sweep_hands_over_whose_turn_it_is_once(connected: Bench) -> None:
    await connected.connect(connected.people.jonas, JONAS)
    assert await connected.sync(connected.people.jonas) == "current"
    connected.rows("delete from procrastinate_jobs returning id")
    assert await schedule.sweep(connected.jobs, connected.desk) == 0
    connected.pass_time(QUARTER)
    assert await schedule.sweep(connected.jobs, connected.desk) == 2
    assert await schedule.sweep(connected.jobs, connected.desk) == 0
    waiting = connected.rows("select task_name, lock, priority, args from procrastinate_jobs")
    assert {row[0] for row in waiting} == {"canvas_sync"}
    assert all(row[1].startswith("canvas_sync:lane:") and row[2] < 0 for row in waiting)
    assert all(set(row[3]) == {"institution", "student"} for row in waiting)


async def test_a_job_that_was_lost_is_handed_over_again(connected: Bench) -> None:
    connected.rows("delete from procrastinate_jobs returning id")
    connected.pass_time(QUARTER)
    assert await schedule.sweep(connected.jobs, connected.desk) == 1
    connected.rows("delete from procrastinate_jobs returning id")
    connected.pass_time(timedelta(minutes=13))
    assert await schedule.sweep(connected.jobs, connected.desk) == 1


async def test_what_breaks_for_one_student_goes_on_for_the_other(
    connected: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await connected.connect(connected.people.jonas, JONAS)
    real = schedule.sync

    async def breaks(desk: object, who: object) -> str | None:
        if who.student_id == connected.people.maya.student_id:  # type: ignore[attr-defined]
            raise ZeroDivisionError
        return await real(desk, who)  # type: ignore[arg-type]

    monkeypatch.setattr(schedule, "sync", breaks)
    states = [
        await schedule.sync_one(connected.desk, str(who.institution_id), str(who.student_id))
        for who in (connected.people.maya, connected.people.jonas)
    ]
    assert states == ["trouble", "current"]
    status = await connected.status(connected.people.maya)
    assert status.text.startswith("Something went wrong on our side")
    assert "What is shown here is from today at 12:00." in status.text


class TestService:
    async def test_asking_twice_asks_canvas_once(self, connected: Bench) -> None:
        connected.rows("delete from procrastinate_jobs returning id")
        maya = connected.people.maya
        await service.ask_for_sync(connected.desk, connected.jobs, maya)
        assert connected.rows("select count(*) from procrastinate_jobs") == [(0,)]
        connected.pass_time(timedelta(minutes=2))
        for _ in range(2):
            status = await service.ask_for_sync(connected.desk, connected.jobs, maya)
        assert status.state == "current"
        assert connected.rows("select count(*) from procrastinate_jobs") == [(1,)]

    async def test_no_is_taken_for_no(self, bench: Bench) -> None:
        answer = await bench.answer_of(bench.people.maya, MAYA, deny=True)
        with pytest.raises(service.CanvasSignIn, match="You said no"):
            await service.finish_sign_in(
                bench.desk, bench.jobs, bench.people.maya, state=answer["state"], code=None, error=answer["error"]
            )
        assert (await bench.status(bench.people.maya)).state == "not_connected"

    async def test_an_answer_counts_once_for_the_one_who_asked_and_not_for_long(self, bench: Bench) -> None:
        """Somebody else's answer in my browser would show me their courses, or them mine."""
        maya, jonas, stale = bench.people.maya, bench.people.jonas, "used already or is too old"

        async def finish(who: object, answer: dict[str, str]) -> None:
            await service.finish_sign_in(
                bench.desk,
                bench.jobs,
                who,
                state=answer["state"],
                code=answer["code"],
                error=None,  # type: ignore[arg-type]
            )

        answer = await bench.answer_of(maya, MAYA)
        for wrong in (jonas, bench.people.stranger):
            with pytest.raises(service.CanvasSignIn, match=stale):
                await finish(wrong, answer)
        with pytest.raises(service.CanvasSignIn, match=stale):
            await finish(maya, answer | {"state": "made up"})
        await finish(maya, answer)
        with pytest.raises(service.CanvasSignIn, match=stale):
            await finish(maya, answer)
        late = await bench.answer_of(maya, MAYA)
        bench.clock.advance(timedelta(minutes=11))
        with pytest.raises(service.CanvasSignIn, match=stale):
            await finish(maya, late)

    async def test_a_code_without_our_verifier_is_worth_nothing(self, bench: Bench) -> None:
        from tools.academic.canvas.failures import SignInAgain  # noqa: PLC0415

        answer = await bench.answer_of(bench.people.maya, MAYA)
        with pytest.raises(SignInAgain):
            await bench.desk.oauth.exchange(answer["code"], "x" * 64, bench.desk.config.redirect_url)

    @pytest.mark.parametrize("kind", ["throttled_429", "throttled_403", "bad_gateway", "server_error", "timeout"])
    async def test_a_token_endpoint_in_trouble_has_words(self, bench: Bench, kind: str) -> None:
        answer = await bench.answer_of(bench.people.maya, MAYA)
        bench.fault(kind, "oauth2/token")
        with pytest.raises(service.CanvasAway, match="Try Connect again in a few minutes"):
            await service.finish_sign_in(
                bench.desk, bench.jobs, bench.people.maya, state=answer["state"], code=answer["code"], error=None
            )

    async def test_disconnecting_takes_everything_back(self, connected: Bench) -> None:
        maya = connected.people.maya
        token = await connected.desk.access(maya).current()
        connected.change(op="tokens", user_id=MAYA, effect="expire")
        assert "taken back" in await service.disconnect(connected.api_desk, maya)
        for table in ("connections", "tokens", "mirror"):
            assert connected.rows(f"select count(*) from canvas_{table}") == [(0,)]  # noqa: S608
        assert not await connected.desk.oauth.revoke(token)
        assert await connected.sync(maya) is None
        assert (await connected.status(maya)).state == "not_connected"

    async def test_disconnecting_works_without_canvas(self, connected: Bench) -> None:
        connected.fault("timeout", "", times=None)
        assert "didn't confirm" in await service.disconnect(connected.api_desk, connected.people.maya)
        assert connected.rows("select count(*) from canvas_mirror") == [(0,)]


class TestConsent:
    async def test_nothing_begins_before_the_student_agreed(self, bench: Bench) -> None:
        with pytest.raises(ConsentNeeded):
            await service.begin_sign_in(bench.desk, bench.people.maya)
        assert bench.asked() == []

    async def test_an_answer_of_canvas_after_a_no_connects_nothing(self, bench: Bench) -> None:
        maya = bench.people.maya
        answer = await bench.answer_of(maya, MAYA)
        async with bench.people_db.acting(maya) as tx:
            await withdraw_consent(tx, ConsentKind.CANVAS, at=bench.clock.now())
        with pytest.raises(service.CanvasSignIn, match="used already or is too old"):
            await service.finish_sign_in(
                bench.desk, bench.jobs, maya, state=answer["state"], code=answer["code"], error=None
            )
        assert bench.rows("select count(*) from canvas_connections") == [(0,)]

    async def test_taking_it_back_anywhere_deletes_what_came_from_canvas(self, connected: Bench) -> None:
        maya = connected.people.maya
        async with connected.people_db.acting(maya) as tx:
            await withdraw_consent(tx, ConsentKind.CANVAS, at=connected.clock.now())
        for table in ("connections", "tokens", "mirror"):
            assert connected.rows(f"select count(*) from canvas_{table}") == [(0,)]  # noqa: S608
        assert await connected.sync(maya) is None

    async def test_the_database_itself_shows_nothing_without_a_yes(self, connected: Bench) -> None:
        """As the owner, a yes vanishes without its trigger: rows that were forgotten are unreadable all the same."""
        connected.rows("delete from consents returning id")
        assert await connected.all(connected.people.maya, Work) == []
        assert connected.rows("select count(*) from canvas_mirror") != [(0,)]

    async def test_who_is_too_young_is_not_asked(self, bench: Bench) -> None:
        bench.rows("update profiles set age_band = 'under_16' returning account_id")
        with pytest.raises(NotAllowed, match="16 or older"):
            await bench.agree(bench.people.maya)
