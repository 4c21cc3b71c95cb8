"""Fills a world with the invented campus of `data/campus.yaml`, its dates counted from the clock's day."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from simulators.canvas.model import (
    Announcement,
    Assignment,
    AssignmentGroup,
    CalendarEvent,
    Course,
    DeveloperKey,
    Enrollment,
    EnrollmentState,
    Override,
    PlannerNote,
    PlannerOverride,
    Submission,
    Teacher,
    User,
)
from simulators.canvas.semantics import dates_for
from simulators.canvas.world import World

CAMPUS = Path(__file__).parent / "data" / "campus.yaml"
END_OF_DAY = time(23, 59, 59)
GRADED_AFTER = timedelta(days=3)
CROWD_FROM = 50_000
CROWD_COURSES = (31427, 31500, 31510, 31520, 31530, 31540)


@cache
def campus() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(CAMPUS.read_text(encoding="utf-8"))
    return content


def seed(world: World, crowd: int = 0) -> None:
    """Fill an empty world. `crowd` students more than the personas study in four of the larger courses each."""
    seeding = _Seeding(world, world.clock.now())
    for key in campus()["keys"]:
        world.put("keys", DeveloperKey(**key))
    for course in campus()["courses"]:
        seeding.course(course)
    for person in campus()["people"]:
        seeding.person(person)
    for number in range(crowd):
        seeding.person(_one_of_the_crowd(number))


def _one_of_the_crowd(number: int) -> dict[str, Any]:
    chosen = [course for place, course in enumerate(CROWD_COURSES) if (number + place) % 3]
    return {
        "id": CROWD_FROM + number,
        "name": f"Student {number:05d}",
        "login_id": f"student{number:05d}",
        "time_zone": "America/Denver",
        "usual": 0.6 + (number % 40) / 100,
        "enrolled": [{"course": course} for course in chosen],
    }


@dataclass(frozen=True)
class _Seeding:
    world: World
    now: datetime

    def moment(self, day: float, zone: str, at: str | None = None) -> datetime:
        """The moment `day` days from today, at a local time of `zone`: `at`, or the last second of the day."""
        local = self.now.astimezone(ZoneInfo(zone)).date() + timedelta(days=day)
        clock = time.fromisoformat(at) if at else END_OF_DAY
        return datetime.combine(local, clock, ZoneInfo(zone)).astimezone(UTC)

    def course(self, written: dict[str, Any]) -> None:
        zone = written["time_zone"]
        past = 180 if written.get("term") == "last" else 35
        course = Course(
            id=written["id"],
            name=written["name"],
            course_code=written["course_code"],
            time_zone=zone,
            teacher=Teacher(**written["teacher"]),
            start_at=self.moment(-past, zone, "00:00"),
            end_at=self.moment(115 - past, zone),
            term_id=11 if written.get("term") == "last" else 12,
            term_name="Last term" if written.get("term") == "last" else "This term",
            weighted=written.get("weighted", False),
            hide_final_grades=written.get("hide_final_grades", False),
            restricted_by_date=written.get("restricted_by_date", False),
            concluded=written.get("concluded", False),
        )
        self.world.put("courses", course)
        for position, group in enumerate(written.get("groups", []), start=1):
            self._group(course, position, group)
        for event in written.get("events", []):
            self._event(event, f"course_{course.id}", zone)
        for row in written.get("announcements", []):
            posted_at = self.moment(row["day"], zone, "09:00")
            self.world.put("announcements", Announcement(row["id"], course.id, row["title"], row["message"], posted_at))

    def _group(self, course: Course, position: int, written: dict[str, Any]) -> None:
        group = AssignmentGroup(
            id=written["id"],
            course_id=course.id,
            name=written["name"],
            position=position,
            weight=written.get("weight", 0.0),
            drop_lowest=written.get("drop_lowest", 0),
            never_drop=written.get("never_drop", []),
        )
        self.world.put("groups", group)
        for place, work in enumerate(written["work"], start=1):
            self._assignment(course, group, place, work)

    def _assignment(self, course: Course, group: AssignmentGroup, position: int, written: dict[str, Any]) -> None:
        at = written.get("at")
        due_at = self.moment(written["due"], course.time_zone, at) if "due" in written else None
        lock_at = due_at + timedelta(days=written["lock"]) if due_at and "lock" in written else None
        overrides = [
            Override(section, "Another section", self.moment(day, course.time_zone, at), section_id=section)
            for section, day in written.get("section_due", {}).items()
        ]
        assignment = Assignment(
            id=written["id"],
            course_id=course.id,
            group_id=group.id,
            name=written["name"],
            points_possible=float(written["points"]),
            created_at=course.start_at,
            updated_at=course.start_at,
            due_at=due_at,
            lock_at=lock_at,
            description=f"<p>{written['name']}</p>",
            position=position,
            grading_type=written.get("grading_type", "points"),
            submission_types=written.get("types", ["online_upload"]),
            quiz_id=written.get("quiz_id"),
            discussion_id=written.get("discussion_id"),
            group_category_id=written.get("group_category_id"),
            new_quiz=written.get("new_quiz", False),
            post_manually=written.get("hidden", False),
            omit_from_final_grade=written.get("omit", False),
            overrides=overrides,
        )
        self.world.put("assignments", assignment)

    def _event(self, written: dict[str, Any], context_code: str, zone: str) -> None:
        start = self.moment(written["day"], zone, written["at"])
        event = CalendarEvent(
            id=written["id"],
            context_code=context_code,
            title=written["title"],
            start_at=start,
            end_at=start + timedelta(hours=written["hours"]),
            created_at=start - timedelta(days=20),
            location_name=written.get("location_name", ""),
        )
        self.world.put("events", event)

    def person(self, written: dict[str, Any]) -> None:
        zone = written["time_zone"]
        begun = self.moment(-200, zone)
        user = User(written["id"], written["name"], written["login_id"], zone, begun)
        self.world.put("users", user)
        for place, row in enumerate(written["enrolled"]):
            course = self.world.course(row["course"])
            section = row.get("section", row["course"] * 10)
            state = EnrollmentState(row.get("state", "active"))
            enrollment_id = 7_000_000 + user.id * 10 + place
            self.world.put("enrollments", Enrollment(enrollment_id, user.id, row["course"], section, state))
            for assignment in self.world.assignments_of(course.id) if course else []:
                deed = written.get("did", {}).get(assignment.id, {})
                self._deed(user, assignment, written["usual"], deed)
        for event in written.get("events", []):
            self._event(event, f"user_{user.id}", zone)
        for note in written.get("notes", []):
            todo = self.moment(note["day"], zone, "00:00")
            self.world.put("notes", PlannerNote(note["id"], user.id, note["title"], todo, begun, note["details"]))
        for mark in written.get("marks", []):
            self.world.put("planner_overrides", PlannerOverride(**mark, user_id=user.id, created_at=begun))

    def _deed(self, user: User, assignment: Assignment, usual: float, deed: dict[str, Any]) -> None:
        """What a student did about an assignment: by `deed`, or, when it is past, as they usually do."""
        due_at = dates_for(self.world, assignment, user.id).due_at
        blank = self.world.submission_of(assignment.id, user.id)
        if deed.get("excused"):
            blank.excused = True
        elif deed.get("nothing"):
            blank.late_policy_status = deed.get("set")
            if "score" in deed and due_at:
                self._grade(blank, assignment, deed, due_at)
        elif due_at and due_at < self.now:
            self._hand_in(blank, assignment, usual, deed, due_at)
        else:
            return
        self.world.put("submissions", blank)

    def _hand_in(
        self, row: Submission, assignment: Assignment, usual: float, deed: dict[str, Any], due_at: datetime
    ) -> None:
        row.submission_type = assignment.submission_types[0]
        if row.submission_type != "on_paper":
            row.submitted_at = due_at + timedelta(days=deed.get("submitted", -0.3))
            row.attempt = 2 if deed.get("again") else 1
        row.grade_matches_current_submission = not deed.get("again", False)
        row.body = deed.get("body")
        row.comment = deed.get("comment")
        row.pending_review = deed.get("pending_review", False)
        if due_at + GRADED_AFTER < self.now and not row.pending_review:
            self._grade(row, assignment, {"score": usual + _wobble(row), **deed}, due_at)

    def _grade(self, row: Submission, assignment: Assignment, deed: dict[str, Any], due_at: datetime) -> None:
        points = assignment.points_possible or 0.0
        row.points_deducted = deed.get("deducted")
        row.score = round(points * min(1.0, deed["score"]) - (row.points_deducted or 0), 1)
        row.graded_at = due_at + GRADED_AFTER
        row.posted_at = None if assignment.post_manually else row.graded_at
        row.grader_id = -(assignment.quiz_id or 1) if deed.get("auto") else 246_566


def _wobble(row: Submission) -> float:
    """A share of the points from -0.05 to +0.05 that is the same whenever the campus is made."""
    digest = hashlib.blake2b(f"score:{row.assignment_id}:{row.user_id}".encode(), digest_size=2).digest()
    return (int.from_bytes(digest) / 0xFFFF - 0.5) / 10
