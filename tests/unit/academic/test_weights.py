"""Shares of a grade, hours, boundaries, and what a hidden grade may never become."""

from __future__ import annotations

import pytest

from tests.unit.academic.build import COMMON, NOW, course, graded, known, task, work
from tools.academic.effort import hours_of_task, hours_of_work, pace_of
from tools.academic.grades import closeness, course_mean, current_percent, posted_grades, share_of
from tools.academic.overview import course_view, overview


class TestShare:
    def test_a_weighted_group_shares_its_percent_by_points(self) -> None:
        sets = [work(1, points=20, assignment_group_id="a"), work(2, points=60, assignment_group_id="a")]
        other = work(3, points=500, assignment_group_id="b")
        assert share_of(sets[1], course(a=40, b=60), [*sets, other]) == pytest.approx(0.30)

    def test_without_weights_points_share_the_course(self) -> None:
        all_of = [work(1, points=20), work(2, points=30), work(3, points=50)]
        assert share_of(all_of[1], course(), all_of) == pytest.approx(0.30)

    @pytest.mark.parametrize(
        "more",
        [
            {"omit_from_final_grade": True},
            {"hide_in_gradebook": True},
            {"points": None},
            {"points": 0},
            {"submission": {"excused": True}},
        ],
    )
    def test_what_does_not_count_weighs_nothing_and_takes_no_share(self, more: dict[str, object]) -> None:
        counts, not_ = work(1, points=20), work(2, **{"points": 30.0} | more)  # type: ignore[arg-type]
        assert share_of(not_, course(), [counts, not_]) == 0
        assert share_of(counts, course(), [counts, not_]) == 1


class TestHours:
    def test_a_prior_by_kind_is_scaled_by_points_and_stretched(self) -> None:
        all_of = [work(number, points=20, types=("online_upload",)) for number in range(3)]
        large = work(9, points=80, types=("online_upload",))
        assert hours_of_work(all_of[0], [*all_of, large], COMMON) == pytest.approx(3 * 1.5)
        assert hours_of_work(large, [*all_of, large], COMMON) == pytest.approx(3 * 2 * 1.5)

    def test_the_students_own_history_takes_over_from_five_tasks_on(self) -> None:
        done = [task(number, done=3, estimate=60, spent_minutes=120) for number in range(4)]
        assert pace_of(done) == pace_of([*done, task(8, done=1, estimate=60)])
        assert (pace_of(done).factor, pace_of(done).own) == (1.5, False)
        own = pace_of([*done, task(9, done=1, estimate=60, spent_minutes=30)])
        assert (own.factor, own.n, own.own) == (2.0, 5, True)
        assert hours_of_task(task(7, estimate=90), own) == 3.0

    def test_one_wild_history_does_not_run_away(self) -> None:
        done = [task(number, done=3, estimate=10, spent_minutes=600) for number in range(6)]
        assert pace_of(done).factor == 3.0


class TestGrades:
    def test_a_hidden_grade_is_nowhere_a_number(self) -> None:
        hidden = graded(1, 0, ago=4, posted=False)
        seen = known(course(), hidden, graded(2, 18, ago=3))
        assert [grade.work.id for grade in posted_grades(seen.work, NOW)] == ["2"]
        assert seen.items[0].said == "The grade isn't released yet."
        view = course_view(seen, seen.courses["1"])
        assert (view.not_released, view.percent) == (1, None)

    def test_a_total_that_is_hidden_is_said_and_is_not_nought(self) -> None:
        shown = known(course(total=87.4), graded(1, 18, ago=3))
        assert course_view(shown, shown.courses["1"]).said == "87.4 % of what is graded so far."
        hidden = known(course(total=87.4, hidden=True), graded(1, 18, ago=3))
        view = course_view(hidden, hidden.courses["1"])
        assert (view.percent, view.said) == (None, "Your campus or teacher hides the total of this course.")
        fresh = known(course(), work(1))
        assert course_view(fresh, fresh.courses["1"]).said.startswith("No total yet")

    def test_what_is_compared_with_when_the_total_is_hidden(self) -> None:
        grades = posted_grades([graded(1, 10, ago=3), graded(2, 20, ago=2)], NOW)
        assert course_mean(course(total=90), grades) == 90
        assert course_mean(course(hidden=True), grades) == 75
        assert course_mean(course(), []) is None

    @pytest.mark.parametrize(("percent", "close"), [(None, 0), (90, 1), (89, 0.5), (81, 0.5), (85, 0), (100, 0)])
    def test_closeness_to_a_boundary(self, percent: float | None, close: float) -> None:
        assert closeness(percent) == pytest.approx(close)

    def test_unknown_total(self) -> None:
        assert current_percent(course(total=None)) is None


class TestOverview:
    def test_days_are_the_students_own(self) -> None:
        """Due 05:59 UTC on Saturday is 23:59 on Friday in Denver."""
        late = work(1, due=1.499)
        seen = overview(known(course(), late))
        assert [(day.day.isoformat(), day.pieces) for day in seen.days if day.pieces] == [("2026-09-25", 1)]

    def test_a_record_needs_enough_to_go_by(self) -> None:
        few = [task(number, done=3, due=-2) for number in range(4)]
        assert overview(known(*few)).record.on_time_share is None
        assert "4 of 5" in overview(known(*few)).record.on_time_said
        five = [*few, task(9, done=1, due=-2)]
        assert overview(known(*five)).record.on_time_share == pytest.approx(0.8)
