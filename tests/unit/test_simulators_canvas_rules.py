"""Canvas's rules without a server: what is missing, late, hidden, and what a course's totals are."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from starlette.datastructures import URL

from simulators.canvas.clock import VirtualClock, moment_of, stamp
from simulators.canvas.model import Assignment, AssignmentGroup, Course, Enrollment, Override, Submission, Teacher
from simulators.canvas.paging import KEPT_FIRST, MAX_LINK_BYTES, Asked, numbered
from simulators.canvas.semantics import (
    dates_for,
    grade_is_hidden,
    is_assigned,
    is_late,
    is_missing,
    letter,
    state_of,
    totals_of,
)
from simulators.canvas.throttle import Throttle, ThrottleSettings
from simulators.canvas.world import World

NOW = datetime(2026, 9, 24, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)
STUDENT = 1
COURSE = 10


@pytest.fixture
def world() -> World:
    world = World(VirtualClock(NOW, running=False))
    world.put("courses", Course(COURSE, "Course", "C 1", "UTC", Teacher(5, "T"), NOW))
    world.put("enrollments", Enrollment(1, STUDENT, COURSE, section_id=100))
    world.put("groups", AssignmentGroup(20, COURSE, "All", 1, weight=60))
    return world


def work(world: World, number: int = 1, **facts: object) -> Assignment:
    row = Assignment(number, COURSE, 20, f"Work {number}", 10.0, NOW, NOW, due_at=NOW - HOUR)
    return world.put("assignments", replace(row, **facts))  # type: ignore[arg-type]


def deed(number: int = 1, **facts: object) -> Submission:
    return replace(Submission(number + 100, number, STUDENT), **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("assignment", "submission", "missing"),
    [
        ({}, {}, True),
        ({}, {"submitted_at": NOW}, False),
        ({}, {"excused": True}, False),
        ({}, {"late_policy_status": "extended"}, False),
        ({}, {"score": 7.0, "grader_id": 5}, False),
        ({"due_at": None}, {}, False),
        ({"due_at": NOW + HOUR}, {}, False),
        ({"due_at": NOW + HOUR}, {"late_policy_status": "missing"}, True),
        ({"submission_types": ["on_paper"]}, {}, False),
        ({"submission_types": ["none"]}, {}, False),
        ({"submission_types": ["external_tool"]}, {}, False),
        ({"submission_types": ["external_tool"], "new_quiz": True}, {}, True),
        ({"submission_types": ["online_quiz"], "due_at": NOW - timedelta(seconds=59)}, {}, False),
        ({"submission_types": ["online_quiz"], "due_at": NOW - timedelta(seconds=61)}, {}, True),
        ({"lock_at": NOW - HOUR}, {}, True),
    ],
)
def test_missing(world: World, assignment: dict[str, object], submission: dict[str, object], missing: bool) -> None:
    assert is_missing(world, work(world, **assignment), deed(**submission)) is missing


@pytest.mark.parametrize(
    ("assignment", "submission", "late"),
    [
        ({}, {}, False),
        ({}, {"submitted_at": NOW - HOUR}, True),
        ({}, {"submitted_at": NOW - HOUR - timedelta(seconds=1)}, False),
        ({}, {"submitted_at": NOW, "excused": True}, False),
        ({}, {"submitted_at": NOW, "late_policy_status": "extended"}, False),
        ({"due_at": None}, {"submitted_at": NOW}, False),
        ({"due_at": NOW + HOUR}, {"submitted_at": NOW, "late_policy_status": "late"}, True),
        ({"submission_types": ["online_quiz"]}, {"submitted_at": NOW - HOUR + timedelta(seconds=59)}, False),
        ({"submission_types": ["online_quiz"]}, {"submitted_at": NOW - HOUR + timedelta(seconds=60)}, True),
    ],
)
def test_late(world: World, assignment: dict[str, object], submission: dict[str, object], late: bool) -> None:
    assert is_late(world, work(world, **assignment), deed(**submission)) is late


def test_late_and_missing_exclude_each_other(world: World) -> None:
    assignment = work(world)
    for submission in (deed(), deed(submitted_at=NOW), deed(late_policy_status="missing", submitted_at=NOW)):
        assert not (is_late(world, assignment, submission) and is_missing(world, assignment, submission))


def test_states() -> None:
    assert state_of(deed()) == "unsubmitted"
    assert state_of(deed(submitted_at=NOW)) == "submitted"
    assert state_of(deed(submitted_at=NOW, pending_review=True, score=3.0, graded_at=NOW)) == "pending_review"
    assert state_of(deed(score=3.0, graded_at=NOW)) == "graded"
    assert state_of(deed(excused=True)) == "graded"


def test_a_grade_is_hidden_until_it_is_posted(world: World) -> None:
    by_hand, at_once = work(world, post_manually=True), work(world, 2)
    graded = {"score": 3.0, "graded_at": NOW}
    assert grade_is_hidden(by_hand, deed())
    assert grade_is_hidden(by_hand, deed(**graded))
    assert not grade_is_hidden(by_hand, deed(**graded, posted_at=NOW))
    assert not grade_is_hidden(at_once, deed(2))
    assert grade_is_hidden(at_once, deed(2, **graded))


def test_dates_are_the_students_own(world: World) -> None:
    section = Override(1, "Section", due_at=NOW + HOUR, section_id=100)
    personal = Override(2, "Extension", due_at=NOW + 2 * HOUR, user_ids=[STUDENT])
    other = Override(3, "Other section", due_at=NOW + 9 * HOUR, section_id=101)
    assert dates_for(world, work(world), STUDENT).due_at == NOW - HOUR
    assert dates_for(world, work(world, overrides=[section, other]), STUDENT).due_at == NOW + HOUR
    assert dates_for(world, work(world, overrides=[section, personal]), STUDENT).due_at == NOW + 2 * HOUR
    assert dates_for(world, work(world, overrides=[section]), 2).due_at == NOW - HOUR
    assert not is_assigned(world, work(world, overrides=[other], only_visible_to_overrides=True), STUDENT)


class TestTotals:
    def graded(self, world: World, number: int, score: float, **facts: object) -> None:
        work(world, number, **facts)
        world.put("submissions", deed(number, score=score, graded_at=NOW, posted_at=NOW))

    def totals(self, world: World) -> tuple[float | None, float | None]:
        course = world.course(COURSE)
        assert course is not None
        totals = totals_of(world, course, STUDENT)
        return totals.current, totals.final

    def test_of_nothing_are_nothing(self, world: World) -> None:
        assert self.totals(world) == (None, None)

    def test_leave_out_or_count_what_is_not_graded(self, world: World) -> None:
        self.graded(world, 1, 8)
        work(world, 2)
        assert self.totals(world) == (80.0, 40.0)

    def test_leave_out_excused_omitted_and_hidden_work(self, world: World) -> None:
        self.graded(world, 1, 8)
        self.graded(world, 2, 0, omit_from_final_grade=True)
        work(world, 3)
        world.put("submissions", deed(3, excused=True))
        work(world, 4, post_manually=True)
        world.put("submissions", deed(4, score=0.0, graded_at=NOW))
        assert self.totals(world) == (80.0, 40.0)

    def test_drop_the_lowest_but_never_the_protected(self, world: World) -> None:
        world.put("groups", AssignmentGroup(20, COURSE, "All", 1, drop_lowest=1, never_drop=[1]))
        for number, score in ((1, 2), (2, 5), (3, 10)):
            self.graded(world, number, score)
        assert self.totals(world) == (60.0, 60.0)

    def test_weigh_groups_that_have_scores(self, world: World) -> None:
        world.change("courses", {"id": COURSE}, {"weighted": True})
        world.put("groups", AssignmentGroup(21, COURSE, "More", 2, weight=40))
        self.graded(world, 1, 10)
        assert self.totals(world) == (100.0, 100.0)
        self.graded(world, 2, 5, group_id=21)
        assert self.totals(world) == (80.0, 80.0)

    def test_have_letters(self) -> None:
        assert [letter(value) for value in (87.4, 61.2, 93.99, 0, None)] == ["B+", "D-", "A-", "F", None]


class TestThrottle:
    def throttle(self) -> tuple[Throttle, VirtualClock]:
        clock = VirtualClock(NOW, running=False)
        return Throttle(clock), clock

    def test_the_twelfth_request_at_once_is_refused(self) -> None:
        throttle, _ = self.throttle()
        assert [throttle.reserve("t", ThrottleSettings()) for _ in range(13)] == [True] * 11 + [False] * 2
        assert throttle.reserve("other", ThrottleSettings())

    def test_the_token_endpoint_allows_three_in_a_burst_and_183_an_hour(self) -> None:
        throttle, clock = self.throttle()
        settings = ThrottleSettings()
        allowed = 0
        for second in range(3600):
            while throttle.reserve("ip", settings):
                throttle.settle("ip", settings.token_request, settings)
                allowed += 1
            if second == 0:
                assert allowed == 3
            clock.advance(1)
        assert allowed == 183

    def test_what_remains_is_told_and_leaks_back(self) -> None:
        throttle, clock = self.throttle()
        settings = ThrottleSettings()
        throttle.reserve("t", settings)
        assert throttle.settle("t", 1.5, settings) == 598.5
        clock.advance(1)
        throttle.reserve("t", settings)
        assert throttle.settle("t", 0.0, settings) == 600.0


class TestClock:
    def test_writes_as_canvas_does(self) -> None:
        assert stamp(datetime(2026, 9, 29, 5, 59, 59, 123456, tzinfo=UTC)) == "2026-09-29T05:59:59Z"
        assert stamp(None) is None

    def test_reads_days_in_the_students_zone(self) -> None:
        denver = "America/Denver"
        assert moment_of("2026-09-28", denver) == datetime(2026, 9, 28, 6, tzinfo=UTC)
        assert moment_of("2026-09-28", denver, end_of_day=True) == datetime(2026, 9, 29, 5, 59, 59, tzinfo=UTC)
        assert moment_of("2026-11-01", denver, end_of_day=True) == datetime(2026, 11, 2, 6, 59, 59, tzinfo=UTC)
        assert moment_of("2026-09-28T01:00:00Z", denver) == datetime(2026, 9, 28, 1, tzinfo=UTC)


def test_a_link_header_that_grows_too_long_loses_links_in_order() -> None:
    contexts = [("context_codes[]", f"course_{number}") for number in range(40)]
    asked = Asked(URL("http://canvas.example/api/v1/things"), [*contexts, ("page", "2"), ("access_token", "secret")])
    link = numbered(asked, range(40), lambda row: row).link
    assert len(link) <= MAX_LINK_BYTES
    kept = [relation for relation in KEPT_FIRST if f'rel="{relation}"' in link]
    assert kept == list(KEPT_FIRST[: len(kept)])
    assert 0 < len(kept) < len(KEPT_FIRST)
    assert "secret" not in link
