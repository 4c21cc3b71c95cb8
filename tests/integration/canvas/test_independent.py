"""`canvasapi`, a client by others, and our mirror see the same Canvas."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.integration.canvas.conftest import NOW, Bench
from tools.academic.canvas.meaning import is_missing
from tools.academic.canvas.models import Announcement, Course, Work

canvasapi: Any = pytest.importorskip("canvasapi", reason="the independent client is not installed")
# It asks for HTTPS, which a loopback has no use for.
pytestmark = pytest.mark.filterwarnings("ignore:Canvas may respond unexpectedly")


async def theirs(bench: Bench) -> dict[str, Any]:
    """What canvasapi reads with Maya's own token, on small pages."""
    token = await bench.desk.access(bench.people.maya).current()

    def read() -> dict[str, Any]:
        canvas = canvasapi.Canvas(bench.simulated.base_url, token.access)
        courses = list(canvas.get_courses(enrollment_state="active", per_page=2))
        open_ = [course for course in courses if not getattr(course, "access_restricted_by_date", False)]
        work = [one for course in open_ for one in course.get_assignments(include=["submission"], per_page=3)]
        codes = [f"course_{course.id}" for course in open_]
        return {
            "courses": {str(course.id) for course in courses},
            "work": {str(one.id): (one.name, one.submission.get("score")) for one in work},
            "missing": {one.name for one in canvas.get_current_user().get_missing_submissions()},
            "news": {one.title for one in canvas.get_announcements(context_codes=codes)},
        }

    return await asyncio.to_thread(read)


async def test_both_read_the_same(connected: Bench) -> None:
    maya, seen = connected.people.maya, await theirs(connected)
    assert {course.id for course in await connected.all(maya, Course)} == seen["courses"]
    work = await connected.all(maya, Work)
    ours = {one.id: (one.name, one.submission.score if one.submission else None) for one in work}
    assert ours == seen["work"]
    assert {one.name for one in work if is_missing(one, NOW)} == seen["missing"]
    assert {one.title for one in await connected.all(maya, Announcement)} == seen["news"]


async def test_both_see_a_change(connected: Bench) -> None:
    where = {"assignment_id": 86651, "user_id": 4821}
    step = {"op": "change", "table": "submissions", "where": where, "values": {"posted_at": "2026-09-24T18:05:00Z"}}
    before = (await theirs(connected))["work"]["86651"]
    connected.change(**step)
    assert await connected.sync(connected.people.maya) == "current"
    after = (await theirs(connected))["work"]["86651"]
    work = await connected.work(connected.people.maya, "Problem set 2")
    assert before == ("Problem set 2", None)
    assert work.submission is not None
    assert after == ("Problem set 2", work.submission.score)
    assert work.submission.score
