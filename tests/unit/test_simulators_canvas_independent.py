"""`canvasapi`, a client by others, reads the simulated Canvas as it reads a real one."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from simulators.canvas.browser import consent
from simulators.run import Running, serve_in_process

canvasapi: Any = pytest.importorskip("canvasapi", reason="the independent client is not installed")
# It asks for HTTPS, which a loopback has no use for.
pytestmark = pytest.mark.filterwarnings("ignore:Canvas may respond unexpectedly")

KEY = {"client_id": "10001", "client_secret": "unscoped-development-secret"}
BACK = "http://127.0.0.1:9/callback"
CHEMISTRY = 31427


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with serve_in_process("simulators.canvas", "--now", "2026-09-24T18:00:00Z") as running:
        yield running


@pytest.fixture
def client(server: Running) -> Any:
    server.control.reset()
    query = urlencode({"client_id": KEY["client_id"], "response_type": "code", "redirect_uri": BACK})
    location = consent(f"{server.base_url}/login/oauth2/auth?{query}", 4821)
    form = {"grant_type": "authorization_code", "code": parse_qs(urlsplit(location).query)["code"][0]}
    answer = httpx.post(f"{server.base_url}/login/oauth2/token", data=KEY | form).json()
    return canvasapi.Canvas(server.base_url, answer["access_token"])


def test_reads_people_courses_and_work_across_pages(client: Any) -> None:
    me = client.get_current_user()
    assert (me.name, me.get_profile()["time_zone"]) == ("Maya Okafor", "America/Denver")
    courses = {course.id: course for course in client.get_courses(include=["total_scores"], per_page=2)}
    assert len(courses) == 5
    chemistry = courses[CHEMISTRY]
    groups = list(chemistry.get_assignment_groups(include=["assignments", "submission"]))
    assert sum(len(group.assignments) for group in groups) == 9
    work = list(chemistry.get_assignments(per_page=2, include=["submission"]))
    assert len({row.id for row in work}) == 9
    assert work[0].due_at_date.isoformat() == "2026-09-04T05:59:59+00:00"
    submissions = list(chemistry.get_multiple_submissions(per_page=2))
    assert {row.assignment_id for row in submissions} == {row.id for row in work}


def test_reads_the_time_lines(client: Any) -> None:
    me = client.get_current_user()
    assert [row.name for row in me.get_missing_submissions()] == ["Reading log 2", "Lab report 2"]
    assert [row.title for row in client.get_announcements(context_codes=[f"course_{CHEMISTRY}"])] == [
        "Exam room change"
    ]
    events = client.get_calendar_events(context_codes=[f"course_{CHEMISTRY}"], all_events=True)
    assert [row.title for row in events] == ["Lab safety session"]
    assert all(row.grades["current_score"] for row in me.get_enrollments() if row.course_id == CHEMISTRY)


def test_understands_the_errors(server: Running, client: Any) -> None:
    errors = canvasapi.exceptions
    server.control.set_faults({"kind": "throttled_429"})
    with pytest.raises(errors.RateLimitExceeded):
        client.get_current_user()
    server.control.set_faults({"kind": "throttled_403"})
    with pytest.raises((errors.Forbidden, errors.RateLimitExceeded)):
        client.get_current_user()
    with pytest.raises(errors.InvalidAccessToken):
        canvasapi.Canvas(server.base_url, "10000~nonsense").get_current_user()
    chemistry = next(course for course in client.get_courses() if course.id == CHEMISTRY)
    with pytest.raises(errors.Unauthorized):
        list(chemistry.get_multiple_submissions(student_ids=[1]))
