"""The counselor's side as a client sees it, over the running service."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from core.ids import new_id
from tests.integration.api.conftest import CRISIS, Client, sign_in
from tests.site import Site


@pytest.fixture(scope="module")
def team(site: Site) -> Iterator[dict[str, Client]]:
    """Signed-in people: a student, another student, two counselors, a supervisor, the operator."""
    people = {
        # A student of whom no other test leaves an open case: one open case lets staff read the closed ones too.
        "maya": sign_in(site, "student", 3),
        "jonas": sign_in(site, "student", 1),
        "rosa": sign_in(site, "counselor", 0),
        "sam": sign_in(site, "counselor", 1),
        "ines": sign_in(site, "supervisor", 0),
        "kit": sign_in(site, "admin", 0),
    }
    yield people
    for client in people.values():
        client.http.close()


def post(client: Client, path: str, **body: Any) -> httpx.Response:
    return client.http.post(f"/care{path}", json=body)


def open_case(team: dict[str, Client]) -> tuple[str, str]:
    """A crisis of the student's; returns conversation and case."""
    before = {entry["id"] for entry in team["rosa"].http.get("/care/queue").json()["entries"]}
    conversation = team["maya"].begin()
    team["maya"].say(conversation, CRISIS)
    after = {entry["id"] for entry in team["rosa"].http.get("/care/queue").json()["entries"]}
    [case] = after - before
    return conversation, case


def test_a_case_from_the_first_message_to_its_outcome(team: dict[str, Client]) -> None:
    conversation, case = open_case(team)
    rosa, sam, maya = team["rosa"], team["sam"], team["maya"]
    assert CRISIS not in rosa.http.get("/care/queue").text
    assert post(rosa, "/queue/shown", cases=[case]).status_code == 204
    status = maya.http.get(f"/conversations/{conversation}/status").json()
    assert status["delivery"]["sent_at"] and not status["delivery"]["opened_at"]
    page = rosa.http.get(f"/care/cases/{case}").json()
    assert page["student"]["name"] and CRISIS in str(page["quotes"])
    assert maya.http.get(f"/conversations/{conversation}/status").json()["delivery"]["opened_at"]
    assert post(rosa, f"/cases/{case}/claim").json()["status"] == "claimed"
    assert post(sam, f"/cases/{case}/claim").status_code == 409
    assert post(rosa, f"/cases/{case}/typing").status_code == 204
    assert "writing" in maya.http.get(f"/conversations/{conversation}/status").json()["delivery"]["status"]
    assert post(rosa, f"/cases/{case}/reply", text="I'm Rosa, a counselor here.").json()["status"] == "live"
    assert maya.messages(conversation)[-1]["author"] == "counselor"
    assert maya.say(conversation, "hi Rosa")["path"] == "live_person"
    assert post(rosa, f"/cases/{case}/close", outcome="contacted").status_code == 409
    assert post(rosa, f"/cases/{case}/hand-back", text="I'll call you tomorrow at ten.").json()["status"] == "claimed"
    assert post(rosa, f"/cases/{case}/severity", severity="moderate").status_code == 422
    lowered = post(rosa, f"/cases/{case}/severity", severity="moderate", reason="spoke with her")
    assert lowered.json()["severity"] == "moderate"
    assert post(rosa, f"/cases/{case}/notes", text="Roommate is there.").status_code == 201
    closed = post(rosa, f"/cases/{case}/close", outcome="welfare_confirmed").json()
    assert closed["status"] == "closed" and not closed["conversation_deleted"]
    assert rosa.http.get(f"/care/cases/{case}").status_code == 404
    looks = maya.http.get(f"/conversations/{conversation}/access").json()["items"]
    assert looks and {look["what"] for look in looks} == {"case"} and all(look["who"] for look in looks)


@pytest.mark.parametrize("wrong", ("maya", "jonas", "kit"))
def test_every_route_of_care_refuses_the_wrong_person(team: dict[str, Client], wrong: str) -> None:
    _, case = open_case(team)
    client = team[wrong]
    for path in ("/queue", "/colleagues", f"/cases/{case}", f"/cases/{case}/transcript", f"/cases/{case}/evidence",
                 "/events", "/report", f"/cases/{case}/examples"):  # fmt: skip
        assert client.http.get(f"/care{path}").status_code == 403, path
    bodies = {
        "claim": {}, "release": {}, "typing": {}, "reply": {"text": "x"}, "hand-back": {"text": "x"},
        "notes": {"text": "x"}, "severity": {"severity": "low", "reason": "x"}, "transfer": {"to": str(new_id())},
        "follow-up": {"at": "2030-01-01T00:00:00Z"}, "close": {"outcome": "misread"},
        "caring": {},
    }  # fmt: skip
    for name, body in bodies.items():
        assert post(client, f"/cases/{case}/{name}", **body).status_code == 403, name
    assert httpx.get(client.http.base_url.join("care/queue")).status_code == 401


def test_a_student_sees_only_their_own_list_of_looks(team: dict[str, Client]) -> None:
    conversation, _ = open_case(team)
    assert team["maya"].http.get(f"/conversations/{conversation}/access").status_code == 200
    assert team["jonas"].http.get(f"/conversations/{conversation}/access").status_code == 404
    assert team["rosa"].http.get(f"/conversations/{conversation}/access").status_code == 403


def test_unknown_ids_and_wrong_bodies_are_clear_problems(team: dict[str, Client]) -> None:
    rosa = team["rosa"]
    assert rosa.http.get(f"/care/cases/{new_id()}").status_code == 404
    assert rosa.http.get("/care/cases/nonsense").status_code == 422
    _, case = open_case(team)
    assert post(rosa, f"/cases/{case}/close", outcome="fine").status_code == 422
    assert post(rosa, f"/cases/{case}/reply", text="").status_code == 422
    refused = post(rosa, f"/cases/{case}/reply", text="not mine yet")
    assert refused.status_code == 409 and refused.headers["content-type"] == "application/problem+json"


def test_an_open_console_is_rung_when_a_crisis_comes_in(team: dict[str, Client]) -> None:
    rung = threading.Event()
    ready = threading.Event()

    def listen() -> None:
        with team["rosa"].http.stream("GET", "/care/events", timeout=30) as stream:
            changes = 0
            for line in stream.iter_lines():
                changes += line.startswith("event: changed")
                if changes == 1:
                    ready.set()
                if changes >= 3:
                    rung.set()
                    return

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    assert ready.wait(20)
    for _ in range(2):
        team["maya"].say(team["maya"].begin(), CRISIS)
    assert rung.wait(20)
    listener.join(5)


def test_crisis_terms_are_kept_and_come_first_on_the_page(team: dict[str, Client]) -> None:
    maya = team["maya"]
    assert maya.http.put("/crisis-terms", json={"call_first": "Priya", "never_call": "my father"}).status_code == 200
    assert maya.http.get("/crisis-terms").json()["never_call"] == "my father"
    assert team["jonas"].http.get("/crisis-terms").json() is None
    assert maya.http.put("/crisis-terms", json={"call_first": "x" * 601}).status_code == 422
    _, case = open_case(team)
    assert team["rosa"].http.get(f"/care/cases/{case}").json()["terms"]["call_first"] == "Priya"


def test_the_report_is_the_supervisors(team: dict[str, Client]) -> None:
    assert team["rosa"].http.get("/care/report").status_code == 403
    report = team["ines"].http.get("/care/report").json()
    assert report["cases"] >= 1 and sum(shift["pages"] for shift in report["shifts"]) >= 1


def test_a_rehearsal_shows_the_policy_and_tells_nobody(team: dict[str, Client], site: Site) -> None:
    before = {entry["id"] for entry in team["rosa"].http.get("/care/queue").json()["entries"]}
    found = team["jonas"].http.post("/rehearsal", json={"text": CRISIS}).json()
    assert found["explained"] and found["messages"] and found["lines"] and found["told"]
    assert {entry["id"] for entry in team["rosa"].http.get("/care/queue").json()["entries"]} == before
    assert [turn["said"] for turn in found["walk"]] == [CRISIS]
    further = team["jonas"].http.post("/rehearsal", json={"text": CRISIS, "then": ["yes", "took pills"]}).json()
    assert len(further["walk"]) == 3 and all(turn["messages"] for turn in further["walk"])
    assert further["walk"][0]["told"] in ("page_now", "page_all")
    assert {entry["id"] for entry in team["rosa"].http.get("/care/queue").json()["entries"]} == before
    ordinary = team["jonas"].http.post("/rehearsal", json={"text": "my exam is on Friday"}).json()
    assert ordinary["explained"] and ordinary["told"] == []


def test_a_yes_is_the_students_own_and_off_by_default(team: dict[str, Client]) -> None:
    jonas = team["jonas"]
    asked = jonas.http.get("/consents/examples").json()
    assert asked["standing"]["given_at"] is None and asked["text"]
    assert jonas.http.put("/consents/examples", json={"version": "other"}).status_code == 409
    assert jonas.http.put("/consents/examples", json={"version": asked["current_version"]}).status_code == 204
    assert jonas.http.get("/consents/examples").json()["standing"]["given_at"]
    assert team["maya"].http.get("/consents/examples").json()["standing"]["given_at"] is None
    for wrong in ("rosa", "kit"):
        assert team[wrong].http.get("/consents/examples").status_code == 403
        assert team[wrong].http.put("/consents/examples", json={"version": asked["current_version"]}).status_code == 403
    assert jonas.http.delete("/consents/examples").status_code == 204
    assert jonas.http.get("/consents/examples").json()["standing"]["given_at"] is None
    assert jonas.http.get("/consents/anything").status_code == 422
