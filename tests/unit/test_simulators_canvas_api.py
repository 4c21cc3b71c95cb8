"""The simulated Canvas's API over a real socket: data, pages, errors, throttle, faults."""

import asyncio
import base64
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from simulators.canvas.browser import consent
from simulators.canvas.faults import FOREIGN_HOST
from simulators.run import Running, serve_in_process

NOW = "2026-09-24T18:00:00Z"
MAYA, SAM, PRIYA = 4821, 4824, 4825
CHEMISTRY, STATISTICS, HISTORY = 31427, 31510, 31520
BACK = "http://127.0.0.1:9/callback"
KEY = {"client_id": "10001", "client_secret": "unscoped-development-secret"}
Rows = list[dict[str, Any]]


class Student:
    """A client that acts for one student."""

    def __init__(self, canvas: Running, user_id: int) -> None:
        self.canvas = canvas
        query = urlencode({"client_id": KEY["client_id"], "response_type": "code", "redirect_uri": BACK})
        location = consent(f"{canvas.base_url}/login/oauth2/auth?{query}", user_id)
        form = {"grant_type": "authorization_code", "code": parse_qs(urlsplit(location).query)["code"][0]}
        self.token: str = httpx.post(f"{canvas.base_url}/login/oauth2/token", data=KEY | form).json()["access_token"]
        self.http = httpx.Client(base_url=canvas.base_url, headers={"Authorization": f"Bearer {self.token}"})

    def ask(self, path: str, **headers: str) -> httpx.Response:
        return self.http.get(path if path.startswith("http") else f"/api/v1{path}", headers=headers)

    def rows(self, path: str) -> Rows:
        rows: Rows = self.ask(path).raise_for_status().json()
        return rows

    def pages(self, path: str) -> Iterator[Rows]:
        """Follow `next` to the end."""
        following: str | None = path
        while following:
            answer = self.ask(following).raise_for_status()
            yield answer.json()
            following = links(answer).get("next")


def links(answer: httpx.Response) -> dict[str, str]:
    return {rel: url for url, rel in re.findall(r'<([^>]*)>; rel="(\w+)"', answer.headers.get("link", ""))}


@pytest.fixture(scope="module")
def process() -> Iterator[Running]:
    with serve_in_process("simulators.canvas", "--now", NOW) as running:
        yield running


@pytest.fixture
def canvas(process: Running) -> Running:
    process.control.reset()
    return process


@pytest.fixture
def maya(canvas: Running) -> Student:
    return Student(canvas, MAYA)


def change(canvas: Running, **step: Any) -> int:
    answer = httpx.post(f"{canvas.control.url}/__control__/changes", json=[step], headers=canvas.control.headers)
    return int(answer.raise_for_status().json()["rows"])


def named(rows: Rows, name: str) -> dict[str, Any]:
    return next(row for row in rows if row.get("name", row.get("title")) == name)


class TestData:
    def test_courses_of_all_kinds(self, maya: Student) -> None:
        rows = maya.rows("/courses?include[]=total_scores&include[]=term")
        assert {row["id"]: row for row in rows}[29001] == {"id": 29001, "access_restricted_by_date": True}
        chemistry = named(rows, "Organic Chemistry I")
        assert chemistry["time_zone"] == "America/Denver"
        assert chemistry["enrollments"][0]["computed_current_grade"] in ("B", "B-", "B+")
        active = maya.rows("/courses?enrollment_state=active")
        assert "General Chemistry" not in [row.get("name") for row in active]
        assert [row["name"] for row in maya.rows("/courses?enrollment_state=completed")] == ["General Chemistry"]

    def test_two_enrollments_in_one_course_and_hidden_totals(self, canvas: Running) -> None:
        rows = Student(canvas, PRIYA).rows("/courses?include[]=total_scores")
        assert len(named(rows, "Introduction to Programming")["enrollments"]) == 2
        assert "computed_current_score" not in named(rows, "The World since 1945")["enrollments"][0]
        grades = {row["course_id"]: row["grades"] for row in Student(canvas, PRIYA).rows("/users/self/enrollments")}
        assert set(grades[HISTORY]) == {"html_url"}

    def test_groups_bring_weights_work_and_submissions(self, maya: Student) -> None:
        groups = maya.rows(f"/courses/{CHEMISTRY}/assignment_groups?include[]=assignments&include[]=submission")
        assert [group["group_weight"] for group in groups] == [40.0, 45.0, 15.0]
        assert groups[0]["rules"] == {"drop_lowest": 1}
        first = groups[0]["assignments"][0]["submission"]
        assert (first["late"], first["points_deducted"], first["entered_score"]) == (True, 1.8, 18.0)

    def test_hidden_grades_have_no_keys(self, maya: Student) -> None:
        rows = {
            row["assignment_id"]: row for row in maya.rows(f"/courses/{CHEMISTRY}/students/submissions?per_page=50")
        }
        assert not {"score", "grade", "entered_score", "entered_grade"} & rows[86651].keys()
        assert rows[86651]["workflow_state"] == "graded"
        assert rows[86651]["posted_at"] is None
        assert rows[86658]["score"] is None

    def test_dates_are_the_students_own(self, canvas: Running, maya: Student) -> None:
        jonas = Student(canvas, 4822)
        path = f"/courses/{CHEMISTRY}/assignments?assignment_ids[]=86658&include[]=all_dates"
        assert maya.rows(path)[0]["due_at"] == "2026-09-30T05:59:59Z"
        assert jonas.rows(path)[0]["due_at"] == "2026-09-28T05:59:59Z"
        assert maya.rows(path)[0]["all_dates"][0]["title"] == "Another section"

    def test_missing_work_may_still_be_submittable(self, canvas: Running) -> None:
        sam = Student(canvas, SAM)
        missing = [row["id"] for row in sam.rows("/users/self/missing_submissions?per_page=50")]
        open_still = [row["id"] for row in sam.rows("/users/self/missing_submissions?filter[]=submittable&per_page=50")]
        assert 86712 in missing
        assert set(missing) - set(open_still) == {86712}

    def test_excused_work_is_not_missing(self, maya: Student) -> None:
        assert [row["name"] for row in maya.rows("/users/self/missing_submissions")] == [
            "Reading log 2",
            "Lab report 2",
        ]

    def test_planner_joins_quizzes_by_their_assignment(self, maya: Student) -> None:
        items = maya.rows("/planner/items?per_page=100")
        quiz = next(row for row in items if row["plannable"]["title"] == "Quiz 2")
        assert (quiz["plannable_type"], quiz["plannable_id"], quiz["plannable"]["assignment_id"]) == (
            "quiz",
            19309,
            86701,
        )
        assert quiz["planner_override"]["marked_complete"] is True
        note = next(row for row in items if row["plannable_type"] == "planner_note")
        assert note["submissions"] is False
        assert "course_id" not in note
        kinds = {row["plannable_type"] for row in items}
        assert kinds == {"assignment", "quiz", "discussion_topic", "announcement", "calendar_event", "planner_note"}

    def test_planner_is_in_order_and_within_its_dates(self, maya: Student) -> None:
        dates = [row["plannable_date"] for row in maya.rows("/planner/items?per_page=100")]
        assert dates == sorted(dates)
        assert (dates[0] >= "2026-09-10T18:00:00Z", dates[-1] <= "2026-10-08T18:00:00Z") == (True, True)
        one_day = maya.rows("/planner/items?start_date=2026-09-25&end_date=2026-09-25")
        assert {row["plannable_date"] for row in one_day} == {"2026-09-25T18:00:00Z"}
        everything = maya.rows("/planner/items?start_date=2026-01-01&per_page=100")
        assert len(everything) > len(dates)

    def test_older_planner_items_hold_the_assignment(self, canvas: Running, maya: Student) -> None:
        canvas.control.behave(old_planner_shape=True)
        plannable = maya.rows("/planner/items")[0]["plannable"]
        assert "name" in plannable
        assert "title" not in plannable

    def test_calendar_has_defaults_that_surprise(self, maya: Student) -> None:
        assert maya.rows(f"/calendar_events?context_codes[]=course_{CHEMISTRY}") == []
        span = "start_date=2026-09-01&end_date=2026-10-30"
        assert len(maya.rows(f"/calendar_events?{span}&context_codes[]=course_{CHEMISTRY}")) == 1
        assert maya.rows(f"/calendar_events?{span}") == []
        due = maya.rows(f"/calendar_events?type=assignment&{span}&context_codes[]=course_{CHEMISTRY}")
        assert (due[0]["id"], due[0]["all_day_date"]) == ("assignment_86650", "2026-09-03")
        contexts = [f"context_codes[]=user_{MAYA}"] * 10 + [f"context_codes[]=course_{CHEMISTRY}"]
        assert maya.rows(f"/calendar_events?{span}&{'&'.join(contexts)}") == []

    def test_announcements_need_contexts_and_all_of_them(self, maya: Student) -> None:
        assert maya.ask("/announcements").json() == {"message": "Missing context_codes"}
        both = f"/announcements?context_codes[]=course_{CHEMISTRY}&context_codes[]=course_31500"
        assert [row["title"] for row in maya.rows(both)] == ["Office hours this week", "Exam room change"]
        assert maya.ask(f"{both}&context_codes[]=course_{HISTORY}").status_code == 401

    def test_todo_and_upcoming(self, canvas: Running, maya: Student) -> None:
        todo = maya.rows("/users/self/todo?per_page=50")
        assert {row["type"] for row in todo} == {"submitting"}
        before = maya.rows("/users/self/upcoming_events")
        assert before[0]["id"] == "assignment_86644"
        change(canvas, op="remove", table="assignments", where={"id": 86644})
        assert maya.rows("/users/self/upcoming_events") == before
        change(canvas, op="clock", seconds=180)
        assert maya.rows("/users/self/upcoming_events") != before

    def test_ids_as_strings(self, canvas: Running) -> None:
        priya = Student(canvas, PRIYA)
        answer = priya.ask("/courses", accept="application/json+canvas-string-ids").json()
        marine = named(answer, "Marine Biology (partner university)")
        assert marine["id"] == "100000000000031427"
        assert marine["enrollments"][0]["user_id"] == str(PRIYA)
        canvas.control.behave(string_ids=False)
        plain = priya.ask("/courses", accept="application/json+canvas-string-ids").json()
        assert named(plain, "Marine Biology (partner university)")["id"] == 100000000000031427

    def test_submissions_by_time_and_student(self, maya: Student) -> None:
        path = f"/courses/{STATISTICS}/students/submissions"
        graded = maya.rows(f"{path}?graded_since=2026-09-15T00:00:00Z&per_page=50")
        assert {row["assignment_id"] for row in graded} == {86701, 86711, 86712, 86720}
        assert maya.rows(f"{path}?graded_since=2026-09-15T00:00:00Z&submitted_since=2026-09-22T00:00:00Z") == []
        assert maya.ask(f"{path}?student_ids[]={SAM}").status_code == 401
        assert maya.ask(f"{path}?assignment_ids[]=86650").json() == {"error": "invalid assignment ids requested"}


class TestPages:
    @pytest.mark.parametrize(
        "path",
        [
            f"/courses/{CHEMISTRY}/assignments",
            f"/courses/{CHEMISTRY}/students/submissions",
            "/planner/items",
            "/courses",
        ],
    )
    def test_lead_through_all_rows_once(self, maya: Student, path: str) -> None:
        pages = list(maya.pages(f"{path}?per_page=2"))
        assert all(len(page) <= 2 for page in pages)
        rows = [row for page in pages for row in page]
        assert rows == maya.rows(f"{path}?per_page=100")
        assert len(pages) == -(-len(rows) // 2)

    def test_numbered_pages_have_all_links(self, maya: Student) -> None:
        answer = maya.ask(f"/courses/{CHEMISTRY}/assignments?per_page=4&page=2&order_by=name")
        assert list(links(answer)) == ["current", "next", "prev", "first", "last"]
        assert ",<" in answer.headers["link"]
        assert "order_by=name" in links(answer)["next"]
        assert maya.rows(f"/courses/{CHEMISTRY}/assignments?page=9") == []

    def test_bookmark_pages_know_no_last(self, maya: Student) -> None:
        following = links(maya.ask("/planner/items?per_page=2"))
        assert set(following) == {"current", "next", "first"}
        page = parse_qs(urlsplit(following["next"]).query)["page"][0]
        encoded = page.removeprefix("bookmark:")
        assert json.loads(base64.urlsafe_b64decode(encoded + "=="))[0] == "viewing"

    @pytest.mark.parametrize("page", ["bookmark:nonsense", "2", "bookmark:WzEsMl0"])
    def test_a_bad_bookmark_is_not_found(self, maya: Student, page: str) -> None:
        assert maya.ask(f"/planner/items?page={page}").status_code == 404

    def test_too_many_a_page_are_cut_silently(self, maya: Student) -> None:
        assert "per_page=100" in links(maya.ask("/courses?per_page=5000"))["current"]
        assert "per_page=10" in links(maya.ask("/courses?per_page=many"))["current"]

    def test_a_planner_that_has_not_changed_is_not_sent_again(self, canvas: Running, maya: Student) -> None:
        tag = maya.ask("/planner/items").headers["etag"]
        again = maya.ask("/planner/items", **{"if-none-match": tag})
        assert (again.status_code, again.content) == (304, b"")
        change(canvas, op="change", table="assignments", where={"id": 86658}, values={"name": "Renamed"})
        assert maya.ask("/planner/items?per_page=100", **{"if-none-match": tag}).status_code == 200


class TestErrors:
    def test_without_a_token(self, canvas: Running) -> None:
        answer = httpx.get(f"{canvas.base_url}/api/v1/courses")
        assert answer.status_code == 401
        assert answer.json()["status"] == "unauthenticated"
        assert answer.headers["www-authenticate"] == 'Bearer realm="canvas-lms"'

    @pytest.mark.parametrize(("newer", "status"), [(False, 401), (True, 403)])
    def test_without_permission(self, canvas: Running, maya: Student, newer: bool, status: int) -> None:
        canvas.control.behave(api_auth_error_updates=newer)
        for path in (f"/courses/{HISTORY}/assignments", "/courses/29001/assignments", f"/users/{SAM}/profile"):
            answer = maya.ask(path)
            assert answer.status_code == status
            assert answer.json()["status"] == "unauthorized"
            assert "www-authenticate" not in answer.headers

    @pytest.mark.parametrize("path", ["/courses/1/assignments", "/nothing", "/courses/abc/assignments"])
    def test_not_found(self, maya: Student, path: str) -> None:
        answer = maya.ask(path)
        assert answer.status_code == 404
        assert answer.json() == {"errors": [{"message": "The specified resource does not exist."}]}

    def test_no_date(self, maya: Student) -> None:
        assert maya.ask("/planner/items?start_date=soon").status_code == 400


class TestThrottle:
    async def test_refuses_the_twelfth_at_once(self, canvas: Running, maya: Student) -> None:
        canvas.control.behave(latency_ms=300)
        headers = {"Authorization": f"Bearer {maya.token}"}
        async with httpx.AsyncClient(base_url=canvas.base_url, headers=headers) as http:
            answers = await asyncio.gather(*(http.get("/api/v1/users/self") for _ in range(13)))
        assert sorted(answer.status_code for answer in answers) == [200] * 11 + [429] * 2
        assert all(("x-request-cost" in answer.headers) == answer.is_success for answer in answers)

    @pytest.mark.parametrize(
        ("as_429", "status", "body"),
        [
            (True, 429, "429 Too Many Requests (Rate Limit Exceeded)\n"),
            (False, 403, "403 Forbidden (Rate Limit Exceeded)\n"),
        ],
    )
    def test_refuses_in_two_ways(self, canvas: Running, maya: Student, as_429: bool, status: int, body: str) -> None:
        canvas.control.behave(send_429=as_429, throttle={"high_water": 10})
        answer = maya.ask("/courses")
        assert (answer.status_code, answer.text) == (status, body)
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.headers["x-rate-limit-remaining"] == "0.0"
        assert "retry-after" not in answer.headers

    def test_counts_token_requests_by_address(self, canvas: Running, maya: Student) -> None:
        form = {"grant_type": "refresh_token", "refresh_token": "x", **KEY}
        url = f"{canvas.base_url}/login/oauth2/token"
        assert [httpx.post(url, data=form).status_code for _ in range(3)] == [400, 400, 429]
        assert maya.ask("/courses").status_code == 200
        change(canvas, op="clock", seconds=20)
        assert httpx.post(url, data=form).status_code == 400


class TestFaults:
    def test_throttling_errors_and_pages_of_a_proxy(self, canvas: Running, maya: Student) -> None:
        kinds = [("throttled_429", 429), ("throttled_403", 403), ("server_error", 500), ("bad_gateway", 503)]
        for kind, status in kinds:
            canvas.control.set_faults({"kind": kind, "path": "/courses", "status": 503})
            assert maya.ask("/users/self").status_code == 200
            answer = maya.ask("/courses")
            assert answer.status_code == status
            assert answer.headers["content-type"].startswith("text/html") == (kind == "bad_gateway")
            assert maya.ask("/courses").status_code == 200

    def test_timeout(self, canvas: Running, maya: Student) -> None:
        canvas.control.set_faults({"kind": "timeout"})
        with pytest.raises(httpx.ReadTimeout):
            maya.http.get("/api/v1/courses", timeout=0.2)

    def test_slow_body(self, canvas: Running, maya: Student) -> None:
        canvas.control.set_faults({"kind": "slow_body", "seconds": 5})
        with pytest.raises(httpx.ReadTimeout), maya.http.stream("GET", "/api/v1/courses", timeout=0.3) as answer:
            assert answer.status_code == 200
            answer.read()

    def test_truncated_json(self, canvas: Running, maya: Student) -> None:
        canvas.control.set_faults({"kind": "truncated_json"})
        with pytest.raises(json.JSONDecodeError):
            maya.ask("/courses").json()

    def test_links_dropped_or_leading_elsewhere(self, canvas: Running, maya: Student) -> None:
        path = f"/courses/{CHEMISTRY}/assignments?per_page=2"
        canvas.control.set_faults({"kind": "dropped_link"})
        assert "link" not in maya.ask(path).headers
        canvas.control.set_faults({"kind": "foreign_next"})
        found = links(maya.ask(path))
        assert found["next"].startswith(f"{FOREIGN_HOST}/api/v1/courses/")
        assert found["first"].startswith(canvas.base_url)

    def test_header_names_in_lower_case(self, canvas: Running, maya: Student) -> None:
        def names() -> set[bytes]:
            return {name for name, _ in maya.ask("/planner/items").headers.raw}

        assert {b"Link", b"ETag", b"X-Rate-Limit-Remaining", b"Date"} <= names()
        canvas.control.set_faults({"kind": "lower_case_headers"})
        assert {b"link", b"etag", b"x-rate-limit-remaining", b"date"} <= names()

    def test_a_row_twice_across_pages(self, canvas: Running, maya: Student) -> None:
        canvas.control.set_faults({"kind": "duplicate_row", "path": "assignments", "after": 1})
        first, second, *_ = maya.pages(f"/courses/{CHEMISTRY}/assignments?per_page=3")
        assert second[0] == first[-1]
        assert len(second) == 4

    def test_a_clock_that_is_off(self, canvas: Running, maya: Student) -> None:
        assert maya.ask("/courses").headers["date"] == "Thu, 24 Sep 2026 18:00:00 GMT"
        canvas.control.set_faults({"kind": "clock_skew", "seconds": 420})
        assert maya.ask("/courses").headers["date"] == "Thu, 24 Sep 2026 18:07:00 GMT"

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            ({"op": "tokens", "user_id": MAYA, "effect": "expire"}, 401),
            ({"op": "tokens", "user_id": MAYA, "effect": "revoke"}, 401),
            ({"op": "change", "table": "courses", "where": {"id": CHEMISTRY}, "values": {"restricted_by_date": True}}, 401),
            ({"op": "change", "table": "courses", "where": {"id": CHEMISTRY}, "values": {"concluded": True}}, 200),
        ],
    )  # fmt: skip
    def test_the_world_changes_between_two_pages(
        self, canvas: Running, maya: Student, change: dict[str, Any], status: int
    ) -> None:
        canvas.control.set_faults({"kind": "change", "path": "/assignments", "after": 1, "changes": [change]})
        first = maya.ask(f"/courses/{CHEMISTRY}/assignments?per_page=2")
        assert first.status_code == 200
        assert maya.ask(links(first)["next"]).status_code == status

    def test_a_row_that_goes_between_two_pages_hides_none(self, canvas: Running, maya: Student) -> None:
        before = maya.rows("/planner/items?per_page=100")
        gone = before[0]["plannable_id"]
        removal = {"op": "remove", "table": "assignments", "where": {"id": gone}}
        canvas.control.set_faults({"kind": "change", "path": "planner", "after": 1, "changes": [removal]})
        seen = [row["plannable_id"] for page in maya.pages("/planner/items?per_page=5") for row in page]
        assert seen == [row["plannable_id"] for row in before]

    def test_due_dates_move_and_grades_come_and_go(self, canvas: Running, maya: Student) -> None:
        where = {"assignment_id": 86651, "user_id": MAYA}
        path = f"/courses/{CHEMISTRY}/students/submissions?assignment_ids[]=86651"
        assert "score" not in maya.rows(path)[0]
        change(canvas, op="change", table="submissions", where=where, values={"posted_at": NOW})
        posted = maya.rows(path)[0]
        assert posted["score"] is not None
        assert posted["graded_at"] < posted["posted_at"]
        change(canvas, op="change", table="submissions", where=where, values={"posted_at": None})
        assert "score" not in maya.rows(path)[0]
        due_at = "2026-10-20T05:59:59Z"
        change(canvas, op="change", table="assignments", where={"id": 86659}, values={"due_at": due_at})
        assert maya.rows(f"/courses/{CHEMISTRY}/assignments?assignment_ids[]=86659")[0]["due_at"] == due_at

    def test_time_alone_makes_work_missing(self, canvas: Running, maya: Student) -> None:
        def missing() -> list[int]:
            return [row["id"] for row in maya.rows("/users/self/missing_submissions")]

        assert 86644 not in missing()
        change(canvas, op="clock", now="2026-09-25T18:00:01Z")
        assert maya.ask("/users/self").status_code == 401  # The hour of the token is over, too.
        later = Student(canvas, MAYA)
        assert 86644 in [row["id"] for row in later.rows("/users/self/missing_submissions")]

    def test_a_wrong_change_is_refused(self, canvas: Running) -> None:
        for step in (
            {"op": "change", "table": "nothing", "where": {}, "values": {}},
            {"op": "change", "table": "users", "where": {"id": MAYA}, "values": {"created_at": "soon"}},
            {"op": "explode"},
        ):
            with pytest.raises(httpx.HTTPStatusError) as error:
                change(canvas, **step)
            assert error.value.response.status_code == 422


def test_the_log_tells_who_asked_for_what(canvas: Running, maya: Student) -> None:
    maya.ask("/courses?per_page=2")
    entry = canvas.control.requests()[-1]
    assert (entry["path"], entry["outcome"], entry["detail"]["user_id"]) == ("/api/v1/courses?per_page=2", "200", MAYA)
    assert maya.token not in json.dumps(canvas.control.requests())


def test_many_students_study_beside_the_personas() -> None:
    with serve_in_process("simulators.canvas", "--now", NOW, "--students", "50") as running:
        people = running.control.read("/people")
        assert len(people) == 55
        rows = Student(running, 50_049).rows("/courses?include[]=total_scores")
        assert len(rows) == 4
        scores = [row["enrollments"][0]["computed_current_score"] for row in rows if not row["hide_final_grades"]]
        assert all(scores)
