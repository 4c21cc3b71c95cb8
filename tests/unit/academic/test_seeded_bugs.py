"""The tests of academic meaning, tested: each seeded bug must make its check fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.mutation import seed
from tests.unit.academic import test_felt, test_plan, test_pressure, test_priority, test_weights
from tools.academic import effort, felt, freetime, grades, overview, plan, pressure, priority
from tools.academic.canvas import meaning

BUGS: dict[str, tuple[Callable[..., Any], str, str, Callable[[], None]]] = {
    "a hidden grade is a grade": (
        meaning.state_of, "if graded and done.grade_hidden:", "if False:",
        test_weights.TestGrades().test_a_hidden_grade_is_nowhere_a_number,
    ),
    "a hidden total is shown": (
        grades.current_percent, "and not course.hide_final_grades", "",
        test_weights.TestGrades().test_a_total_that_is_hidden_is_said_and_is_not_nought,
    ),
    "groups do not weigh": (
        grades.share_of, "(1.0 if percent is None else percent / 100)", "1.0",
        test_weights.TestShare().test_a_weighted_group_shares_its_percent_by_points,
    ),
    "history counts from the first task on": (
        effort.pace_of, 'len(ratios) < rules["least_history"]', "not ratios",
        test_weights.TestHours().test_the_students_own_history_takes_over_from_five_tasks_on,
    ),
    "days are those of UTC": (
        overview.overview, "item.due.astimezone(known.zone).date() == day", "item.due.date() == day",
        test_weights.TestOverview().test_days_are_the_students_own,
    ),
    "little data is enough": (
        pressure.pressure, 'dated < rules["least_dated"]', "dated < 1",
        test_pressure.test_under_three_dated_pieces_nothing_is_said,
    ),
    "load is of the whole week": (
        pressure._load, "start <= item.due <= start + length", "item.due",
        test_pressure.test_load_is_the_fullest_three_days_against_free_hours,
    ),
    "a deadline clashes with itself": (
        pressure._clashes, "place != other and ", "",
        lambda: test_pressure.test_clashes_are_deadlines_within_two_days((1, 3.1, 5.2), 0),
    ),
    "closed work is owed": (
        pressure._owed, "item.state is WorkState.MISSING", "item.missing",
        test_pressure.test_owed_is_missing_work_that_can_still_be_handed_in,
    ),
    "a rise is pressure too": (
        pressure._grades, "max(0.0, sum(drops) / len(drops))", "abs(sum(drops) / len(drops))",
        test_pressure.TestGrades().test_a_rise_is_no_pressure,
    ),
    "slack forgets the work itself": (
        priority._parts, 'item.hours * 24 / max(free_a_day, 0.25)', "0",
        test_priority.test_a_half_of_urgency_lies_at_a_day_of_slack,
    ),
    "late work keeps its worth": (
        priority._parts, "item.missing and to_due < 0", "False",
        test_priority.test_late_work_loses_with_each_day_but_not_everything,
    ),
    "what cannot be handed in is ranked": (
        priority.rank, "if item.open]", "]",
        test_priority.test_what_cannot_be_handed_in_is_not_on_the_list,
    ),
    "no place is kept": (
        priority._kept, "return max(calm", "return None and max(calm",
        test_priority.test_the_piece_that_counts_most_and_is_not_urgent_keeps_a_place,
    ),
    "everything is planned into the first days": (
        plan._spread, "target = 0 if item.missing else", "target = 0 if True else",
        test_plan.test_long_work_is_spread_and_not_left_to_the_end,
    ),
    "the plan goes on after the deadline": (
        plan._latest, 'item.due - timedelta(minutes=figures()["plan"]["before_due_minutes"])', "horizon",
        test_plan.test_whatever_the_week_the_plan_keeps_its_promises,
    ),
    "busy times are planned over": (
        freetime._free, "for taken in sorted([*busy, *weekly]):", "for taken in sorted([*busy]):",
        test_plan.test_whatever_the_week_the_plan_keeps_its_promises,
    ),
    "sleep is planned over": (
        freetime.awake, 'timedelta(minutes=rules["before_sleep_minutes"])', "timedelta(hours=-4)",
        test_plan.test_whatever_the_week_the_plan_keeps_its_promises,
    ),
    "free hours have no end": (
        plan._Table.place, "and minutes_of(slot) <= day.minutes", "",
        test_plan.test_a_days_free_hours_are_its_end,
    ),
    "what does not fit is kept quiet": (
        plan.make_plan, "if missing > 0:", "if False:", test_plan.test_what_does_not_fit_is_said,
    ),
    "a fit is claimed early": (
        felt.fit_of, "len(pairs) < least", "len(pairs) < 2", test_felt.test_under_six_weeks_nothing_is_said,
    ),
}  # fmt: skip


@pytest.mark.parametrize("bug", BUGS)
def test_a_seeded_bug_is_noticed(monkeypatch: pytest.MonkeyPatch, bug: str) -> None:
    function, old, new, check = BUGS[bug]
    seed(monkeypatch, function, old, new)
    with pytest.raises((AssertionError, ExceptionGroup)):
        check()
