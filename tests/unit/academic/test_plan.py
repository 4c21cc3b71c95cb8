"""The plan keeps out of sleep, busy times and the past, ends before what is due, and says what does not fit."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.academic.build import DENVER, NOW, WEEK, course, known, task, week, work
from tools.academic.freetime import Span, awake, day_blocks
from tools.academic.plan import StudyPlan, make_plan
from tools.academic.priority import rank
from tools.academic.study import Busy, StudyTimes, Week, assumed


def plan_of(*things: object, times: Week = WEEK, busy: tuple[Span, ...] = (), now: datetime = NOW) -> StudyPlan:
    seen = known(*things)  # type: ignore[arg-type]
    return make_plan(rank(seen.items, now, times.times.usual_day), times, busy, now, DENVER)


def in_sleep(moment: datetime, times: StudyTimes, zone: ZoneInfo) -> bool:
    at = moment.astimezone(zone).time()
    if times.sleep_from > times.sleep_to:
        return at >= times.sleep_from or at < times.sleep_to
    return times.sleep_from <= at < times.sleep_to


HOURS = st.integers(0, 23).map(time)
TASKS = st.lists(
    st.tuples(st.floats(0.1, 12), st.integers(10, 900), st.sampled_from(["low", "normal", "high"])), max_size=8
)
BUSY = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 20), st.integers(1, 3)), max_size=6)


@settings(max_examples=120, deadline=None)
@given(
    tasks=TASKS,
    busy=BUSY,
    sleep_from=HOURS,
    length=st.integers(5, 11),
    free=st.floats(0.5, 8),
    start=st.integers(0, 20),
)
def test_whatever_the_week_the_plan_keeps_its_promises(
    tasks: list[tuple[float, int, str]],
    busy: list[tuple[int, int, int]],
    sleep_from: time,
    length: int,
    free: float,
    start: int,
) -> None:
    """Over a change of the clocks too: `start` runs up to days before the first Sunday of November."""
    now = datetime(2026, 10, 16, 17, 3, tzinfo=UTC) + timedelta(days=start)
    taken = tuple(Busy(weekday=day, start=time(hour), end=time(min(hour + more, 23), 30)) for day, hour, more in busy)
    times = Week(
        StudyTimes(
            sleep_from=sleep_from,
            sleep_to=time((sleep_from.hour + length) % 24),
            free_hours=(free,) * 7,
            busy=taken,
        ),
        said=True,
    )
    things = [
        task(number, due=(now - NOW) / timedelta(days=1) + due, estimate=minutes, importance=importance)
        for number, (due, minutes, importance) in enumerate(tasks)
    ]
    seen = known(*things)
    plan = make_plan(rank(seen.items, now, free), times, (), now, DENVER)
    end = now
    for block in plan.blocks:
        assert block.start >= end, "blocks overlap or lie in the past"
        end = block.end
        assert timedelta(minutes=25) <= block.end - block.start <= timedelta(minutes=50)
        assert not in_sleep(block.start, times.times, DENVER)
        assert not in_sleep(block.end - timedelta(seconds=1), times.times, DENVER)
        if block.item.due and block.item.due > now:
            assert block.end <= block.item.due - timedelta(minutes=60)
        local = block.start.astimezone(DENVER)
        for one in taken:
            if one.weekday == local.weekday():
                assert block.end.astimezone(DENVER).time() <= one.start or local.time() >= one.end


def test_long_work_is_spread_and_not_left_to_the_end() -> None:
    """Beside another piece that keeps the small place in each day."""
    plan = plan_of(task(1, due=6.5, estimate=200), task(2, due=9, estimate=200, importance="high"))
    mine = [block for block in plan.blocks if block.item.title == "Task 1"]
    days = Counter(block.start.astimezone(DENVER).date() for block in mine)
    assert len(mine) == 6
    assert len(days) >= 5
    assert not any(block.kept for block in mine)


def test_work_over_four_hours_gets_steps_before_it_is_due() -> None:
    steps = plan_of(task(1, due=12, estimate=360)).milestones
    assert [(step.part, step.parts) for step in steps] == [(1, 5), (2, 5), (3, 5), (4, 5)]
    assert all(date(2026, 9, 24) < step.by < date(2026, 10, 6) for step in steps)
    assert plan_of(task(1, due=12, estimate=120)).milestones == ()


def test_what_is_due_first_is_not_planned_after_what_is_due_later() -> None:
    plan = plan_of(task(1, due=1.1, estimate=60, importance="high"), task(2, due=6, estimate=60))
    first = [block.item.title for block in plan.blocks]
    assert first[0] == "Task 1"


def test_what_does_not_fit_is_said() -> None:
    plan = plan_of(task(1, due=0.5, estimate=1200))
    assert any("don't fit before it's due" in note for note in plan.notes)
    assert not any("don't fit" in note for note in plan_of(task(1, due=5, estimate=60)).notes)


def test_a_calendar_entry_is_kept_free() -> None:
    lecture = (NOW, NOW + timedelta(hours=30))
    plan = plan_of(task(1, due=3, estimate=60), busy=(lecture,))
    assert plan.blocks
    assert all(block.start >= lecture[1] for block in plan.blocks)


def test_a_days_free_hours_are_its_end() -> None:
    plan = plan_of(task(1, due=6, estimate=3000), times=week(free_hours=(1.25,) * 5 + (0, 1.25)))
    days = Counter(block.start.astimezone(DENVER).date() for block in plan.blocks)
    assert set(days.values()) == {1}
    assert date(2026, 9, 26) not in days


def test_the_piece_that_counts_most_keeps_a_small_place_each_day() -> None:
    urgent = [work(number, due=1.5, points=10, types=("online_upload",)) for number in range(4)]
    plan = plan_of(course(), *urgent, work(9, due=9, points=80, types=("online_upload",), name="Term paper"))
    kept = [block for block in plan.blocks if block.kept]
    assert len(kept) >= 3
    assert {block.item.title for block in kept} == {"Term paper"}
    assert len({block.start.astimezone(DENVER).date() for block in kept}) == len(kept)


def test_nothing_known_is_said() -> None:
    assert plan_of().notes[0] == "There is nothing to plan: no open work is known."


def test_what_is_assumed_is_called_so() -> None:
    assert "Sleep from 23:30 to 07:30 and 4 free hours a day are assumed" in plan_of(task(1)).notes[-1]
    assert not any("assumed" in note for note in plan_of(task(1), times=week()).notes)


def test_a_night_may_begin_after_midnight() -> None:
    times = StudyTimes(**assumed().model_dump() | {"sleep_from": time(2), "sleep_to": time(10)})
    start, end = awake(date(2026, 9, 25), times, DENVER)
    assert (start.astimezone(DENVER).hour, end.astimezone(DENVER).hour) == (11, 1)


def test_the_hour_that_the_clocks_skip_is_not_lost_or_found() -> None:
    """On 8 March 2026 Denver has no 02:30; a day's blocks are the same, an hour earlier by UTC."""
    before = day_blocks(date(2026, 3, 7), assumed(), [], datetime(2026, 3, 1, tzinfo=UTC), DENVER)
    after = day_blocks(date(2026, 3, 8), assumed(), [], datetime(2026, 3, 1, tzinfo=UTC), DENVER)
    assert [span[0].astimezone(DENVER).time() for span in before] == [
        span[0].astimezone(DENVER).time() for span in after
    ]
    assert after[0][0] - before[0][0] == timedelta(hours=23)
