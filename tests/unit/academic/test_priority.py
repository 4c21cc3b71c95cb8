"""What comes first, and why."""

from __future__ import annotations

import pytest

from tests.unit.academic.build import NOW, course, known, task, work
from tools.academic.priority import Ranked, rank


def ranked(*things: object, free: float = 4) -> list[Ranked]:
    return rank(known(*things).items, NOW, free)  # type: ignore[arg-type]


def titles(*things: object) -> list[str]:
    return [one.item.title for one in ranked(*things)]


def test_of_two_alike_the_sooner_is_first() -> None:
    assert titles(course(), work(1, due=6), work(2, due=1)) == ["Work 2", "Work 1"]


def test_of_two_at_once_the_one_that_counts_more_is_first() -> None:
    assert titles(course(), work(1, points=10), work(2, points=80)) == ["Work 2", "Work 1"]


def test_a_half_of_urgency_lies_at_a_day_of_slack() -> None:
    """Two hours of work at four free hours a day take twelve on the clock: due in 36, a day is left."""
    [one] = ranked(task(1, due=1.5, estimate=80))
    assert one.parts.slack_hours == pytest.approx(24)
    assert one.parts.urgency == pytest.approx(0.5)
    assert one.score == pytest.approx(0.05 * (0.3 + 0.7 * 0.5))


def test_whoever_has_less_time_is_hurried_sooner() -> None:
    slow, quick = ranked(task(1, due=3), free=1)[0], ranked(task(1, due=3), free=8)[0]
    assert slow.parts.urgency > quick.parts.urgency


def test_a_total_near_a_boundary_makes_work_count_more() -> None:
    near, far = ranked(course(total=89.5), work(1))[0], ranked(course(total=85), work(1))[0]
    assert near.parts.importance == pytest.approx(1.75 * far.parts.importance)
    assert "close to a grade boundary" in near.why


def test_what_cannot_be_handed_in_is_not_on_the_list() -> None:
    assert titles(course(), work(1, due=-3, locked_for_user=True), work(2)) == ["Work 2"]
    assert titles(course(), work(1, submission={"submitted_at": NOW.isoformat(), "workflow_state": "submitted"})) == []
    assert titles(course(), work(1, submission={"excused": True})) == []


def test_late_work_loses_with_each_day_but_not_everything() -> None:
    factors = [ranked(course(), work(1, due=-days))[0].parts.late_factor for days in (1, 3, 30)]
    assert factors == pytest.approx([0.9, 0.7, 0.3])


def test_what_counts_for_nothing_comes_last_and_says_so() -> None:
    found = ranked(course(), work(1, due=1, points=0), work(2, due=9))
    assert [one.item.title for one in found] == ["Work 2", "Work 1"]
    assert found[1].why.startswith("Doesn't count for the grade")


def test_the_piece_that_counts_most_and_is_not_urgent_keeps_a_place() -> None:
    found = ranked(course(), work(1, due=1, points=10), work(2, due=9, points=50), work(3, due=12, points=40))
    assert [one.item.title for one in found if one.kept_slot] == ["Work 2"]
    assert not any(one.kept_slot for one in ranked(course(), work(1, due=1)))


def test_a_task_without_a_date_is_never_urgent() -> None:
    [one] = ranked(task(1, due=None, importance="high"))
    assert (one.parts.urgency, one.parts.slack_hours) == (0.0, None)
    assert one.score == pytest.approx(0.12 * 0.3)
    assert "no due date" in one.why


def test_no_moment_is_said_in_utc() -> None:
    for one in ranked(course(), work(1), task(2), work(3, due=-1)):
        assert "UTC" not in one.why + one.item.said
