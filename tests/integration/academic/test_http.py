"""Academic routes and pages over HTTP: students' own, in their own time, with parts and ages."""

from __future__ import annotations

import re

import httpx
import pytest

from api.deps import ACCESS_COOKIE
from tests.integration.canvas.conftest import Bench
from tests.integration.canvas.test_routes import as_

ACADEMIC, TASKS = "/api/v1/academic", "/api/v1/tasks"
READS = (
    f"{ACADEMIC}/courses", f"{ACADEMIC}/assignments", f"{ACADEMIC}/grades", f"{ACADEMIC}/missing",
    f"{ACADEMIC}/priorities", f"{ACADEMIC}/study-plan", f"{ACADEMIC}/study-times", f"{ACADEMIC}/analytics/stress",
    f"{ACADEMIC}/analytics/overview", TASKS,
)  # fmt: skip
WRITES = (
    ("PUT", f"{ACADEMIC}/study-times", {"sleep_from": "23:00", "sleep_to": "07:00", "free_hours": [3] * 7}),
    ("DELETE", f"{ACADEMIC}/study-times", None),
    ("POST", f"{ACADEMIC}/analytics/stress/felt", {"felt": 5}),
    ("POST", TASKS, {"title": "x"}),
)


async def test_these_are_a_students_own_routes(bench: Bench, http: httpx.AsyncClient) -> None:
    for method, path, body in (*(("GET", path, None) for path in READS), *WRITES):
        assert (await http.request(method, path, json=body)).status_code == 401, path
        for wrong in (bench.people.rosa, bench.people.operator, bench.people.foreign_counselor):
            answer = await http.request(method, path, json=body, headers=as_(bench, wrong))
            assert answer.status_code == 403, path


async def test_nothing_is_said_in_utc_and_no_hidden_grade_is_a_number(
    connected: Bench, http: httpx.AsyncClient
) -> None:
    maya = as_(connected, connected.people.maya)
    for path in READS:
        answer = await http.get(path, headers=maya)
        assert answer.status_code == 200, path
        assert not re.search(r"UTC|\d{2}:\d{2}(?::\d{2})?(?:Z|\+00:00)", answer.text), path
    work = {row["title"]: row for row in (await http.get(f"{ACADEMIC}/assignments", headers=maya)).json()["items"]}
    assert work["Problem set 3"]["due"] == "2026-09-29T23:59:59-06:00"
    assert work["Problem set 2"]["text"] == "The grade isn't released yet."
    found = (await http.get(f"{ACADEMIC}/grades", headers=maya)).json()
    chemistry = next(row for row in found["items"] if row["course"]["name"] == "Organic Chemistry I")
    assert chemistry["not_released"] == ["Problem set 2"]
    assert {row["title"] for row in chemistry["grades"]} == {"Problem set 1", "Midterm 1", "Lab report 1"}
    one = await http.get(f"{ACADEMIC}/assignments/{work['Problem set 3']['id']}", headers=maya)
    assert one.json() == work["Problem set 3"]
    assert (await http.get(f"{ACADEMIC}/assignments/1", headers=maya)).status_code == 404
    missing = (await http.get(f"{ACADEMIC}/assignments?state=missing", headers=maya)).json()["items"]
    assert {row["title"] for row in missing} == {"Reading log 2", "Lab report 2"}


async def test_stress_has_parts_and_silence(connected: Bench, http: httpx.AsyncClient) -> None:
    maya, jonas = as_(connected, connected.people.maya), as_(connected, connected.people.jonas)
    found = (await http.get(f"{ACADEMIC}/analytics/stress", headers=maya)).json()
    assert found["score"] == sum(part["points"] for part in found["parts"])
    assert [part["most"] for part in found["parts"]] == [40, 20, 25, 15]
    assert "says nothing about how you are" in found["about"]
    nothing = (await http.get(f"{ACADEMIC}/analytics/stress", headers=jonas)).json()
    assert (nothing["score"], nothing["band"], nothing["parts"]) == (None, "not_enough", [])
    assert nothing["as_of"] == "Canvas isn't connected, so only your own tasks are known."
    felt = await http.post(f"{ACADEMIC}/analytics/stress/felt", headers=maya, json={"felt": 8})
    assert felt.status_code == 201
    assert felt.json()["answers"] == [{"week": "2026-09-21", "felt": 8, "score": found["score"]}]
    assert felt.json()["fit"]["direction"] == "not_enough"


async def test_tasks_from_first_to_last(connected: Bench, http: httpx.AsyncClient) -> None:
    maya = as_(connected, connected.people.maya)
    body = {"title": "Print the essay", "due_at": "2026-09-25T16:00:00Z", "importance": "low", "estimate_minutes": 20}
    made = (await http.post(TASKS, headers=maya, json=body)).json()
    assert made["due_at"] == "2026-09-25T10:00:00-06:00"
    await http.post(
        TASKS, headers=maya, json={"title": "Term paper", "due_at": "2026-09-26T05:00:00Z", "importance": "high"}
    )
    listed = (await http.get(f"{TASKS}?order=priority", headers=maya)).json()["items"]
    assert [row["title"] for row in listed] == ["Term paper", "Print the essay"]
    assert "You called it high" in listed[0]["priority"]["why"]
    address = f"{TASKS}/{made['id']}"
    changed = await http.patch(address, headers=maya, json={"due_at": None, "course": "ENGL 110"})
    assert (changed.json()["due_at"], changed.json()["course"], changed.json()["title"]) == (
        None, "ENGL 110", "Print the essay",
    )  # fmt: skip
    assert (await http.patch(address, headers=maya, json={"title": ""})).status_code == 422
    done = await http.post(f"{address}/complete", headers=maya, json={"spent_minutes": 25})
    assert done.json()["spent_minutes"] == 25
    assert (await http.post(f"{address}/reopen", headers=maya)).json()["completed_at"] is None
    assert (await http.get(address, headers=as_(connected, connected.people.jonas))).status_code == 404
    assert (await http.delete(address, headers=maya)).status_code == 204
    assert (await http.get(address, headers=maya)).status_code == 404


async def test_a_plan_follows_what_the_student_says(connected: Bench, http: httpx.AsyncClient) -> None:
    maya = as_(connected, connected.people.maya)
    before = (await http.get(f"{ACADEMIC}/study-plan", headers=maya)).json()
    assert any("are assumed" in note for note in before["notes"])
    week = {"sleep_from": "22:00", "sleep_to": "06:00", "free_hours": [0, 0, 0, 0, 0, 5, 5], "busy": []}
    assert (await http.put(f"{ACADEMIC}/study-times", headers=maya, json=week)).json()["said"]
    after = (await http.get(f"{ACADEMIC}/study-plan", headers=maya)).json()
    assert {block["start"][:10] for block in after["blocks"]} == {"2026-09-26", "2026-09-27"}
    never = await http.put(f"{ACADEMIC}/study-times", headers=maya, json=week | {"free_hours": [0] * 7})
    assert never.status_code == 422
    assert not (await http.delete(f"{ACADEMIC}/study-times", headers=maya)).json()["said"]


@pytest.fixture
def page(connected: Bench) -> dict[str, str]:
    token = as_(connected, connected.people.maya)["Authorization"].removeprefix("Bearer ")
    return {"Cookie": f"{ACCESS_COOKIE}={token}", "Origin": "http://companion.test", "Accept": "text/html"}


async def test_the_page_shows_all_of_it_without_a_script(
    connected: Bench, http: httpx.AsyncClient, page: dict[str, str]
) -> None:
    seen = (await http.get("/studies", headers=page)).text
    for words in (
        "From Canvas, as of today at 12:00.",
        "Midterm 2",
        "Lab report 2",
        "1 graded, not released yet",
        "Deadlines close together",
        "nobody but you sees it",
    ):
        assert words in seen, words
    assert "UTC" not in seen
    added = await http.post("/studies/tasks", headers=page, data={"title": "Laundry", "due": "2026-09-25T18:00"})
    assert (added.status_code, added.headers["location"]) == (303, "/studies")
    assert "Your own tasks" in (await http.get("/studies", headers=page)).text
    [task] = (await http.get(TASKS, headers=as_(connected, connected.people.maya))).json()["items"]
    assert task["due_at"] == "2026-09-25T18:00:00-06:00"
    for data in ({"title": "x", "due": "soon"}, {"title": "x", "minutes": "many"}, {"title": "x", "importance": "y"}):
        assert (await http.post("/studies/tasks", headers=page, data=data)).status_code == 422
    assert "Laundry" in (await http.get(f"/studies/tasks/{task['id']}", headers=page)).text
    changed = {"title": "Laundry and dishes", "importance": "low"}
    assert (await http.post(f"/studies/tasks/{task['id']}", headers=page, data=changed)).status_code == 303
    assert (
        await http.post(f"/studies/tasks/{task['id']}/done", headers=page, data={"minutes": "30"})
    ).status_code == 303
    assert "Laundry" not in (await http.get("/studies", headers=page)).text
    assert (await http.post("/studies/felt", headers=page, data={"felt": "6"})).status_code == 303
    assert (await http.post("/studies/felt", headers=page, data={"felt": "60"})).status_code == 422
    assert "Change the answer" in (await http.get("/studies", headers=page)).text
    assert (await http.post(f"/studies/tasks/{task['id']}/delete", headers=page)).status_code == 303


async def test_times_by_form(http: httpx.AsyncClient, page: dict[str, str]) -> None:
    form = {"sleep_from": "23:00", "sleep_to": "07:00"} | {f"free_{number}": "2.5" for number in range(7)}
    assert "assumed" in (await http.get("/studies/times", headers=page)).text
    assert (await http.post("/studies/times", headers=page, data=form)).status_code == 303
    taken = {"weekday": "2", "start": "09:00", "end": "11:00", "label": "Job"}
    assert (await http.post("/studies/times/busy", headers=page, data=taken)).status_code == 303
    seen = (await http.get("/studies/times", headers=page)).text
    assert "Wednesday 09:00 to 11:00, Job" in seen
    assert 'value="2.5"' in seen
    assert (await http.post("/studies/times", headers=page, data=form | {"free_3": "30"})).status_code == 422
    assert (await http.post("/studies/times/busy", headers=page, data=taken | {"end": "08:00"})).status_code == 422
    assert "Job" in (await http.get("/studies/times", headers=page)).text
    assert (await http.post("/studies/times/busy/remove", headers=page, data={"number": "0"})).status_code == 303
    assert "Job" not in (await http.get("/studies/times", headers=page)).text
    assert (await http.post("/studies/times/forget", headers=page)).status_code == 303


async def test_the_page_of_somebody_without_canvas(bench: Bench, http: httpx.AsyncClient) -> None:
    token = as_(bench, bench.people.jonas)["Authorization"].removeprefix("Bearer ")
    headers = {"Cookie": f"{ACCESS_COOKIE}={token}", "Accept": "text/html"}
    seen = (await http.get("/studies", headers=headers)).text
    for words in ("Canvas isn&#39;t connected", "No open work is known.", "There isn&#39;t enough data yet"):
        assert words in seen, words
