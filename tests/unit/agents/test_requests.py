"""What a request names: titles without their commands and dates, numbers, the task that is meant."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from agents.dialogue.requests import match_task, mood_number, task_request, task_requests
from agents.dialogue.situation import OpenTask

NOW = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)
ZONE = ZoneInfo("America/Denver")


@pytest.mark.parametrize(
    ("text", "title", "due"),
    [
        ("add history essay to my list, due friday 5pm", "History essay", "2026-11-20T17:00-07:00"),
        ("remind me to email my professor tomorrow", "Email my professor", "2026-11-20T23:59-07:00"),
        ("can you add a task to read chapter 4 by friday", "Read chapter 4", "2026-11-20T23:59-07:00"),
        ("put the lab report on my list", "Lab report", None),
        ("new task: call the financial aid office", "Call the financial aid office", None),
        ("i have a dentist appointment thursday 3pm", "Dentist appointment", "2026-11-19T15:00-07:00"),
    ],
)
def test_a_task_has_a_title_and_a_date(text: str, title: str, due: str | None) -> None:
    request = task_request(text, NOW, ZONE, whole=False)
    assert request is not None
    assert request["title"] == title
    assert request.get("due") == due


@pytest.mark.parametrize("text", ["add a task", "put something on my list", "remind me tomorrow", "new task"])
def test_a_task_without_a_title_is_none(text: str) -> None:
    assert task_request(text, NOW, ZONE, whole=False) is None


def test_an_estimate_is_taken_over() -> None:
    request = task_request("add problem set 3, takes about 2 hours, due friday", NOW, ZONE, whole=False)
    assert request is not None
    assert (request["title"], request["estimate_minutes"]) == ("Problem set 3", 120)


def test_several_tasks_in_one_message() -> None:
    found = task_requests("bio quiz monday, chem midterm wednesday and history essay friday", NOW, ZONE)
    assert [request["title"] for request in found] == ["Bio quiz", "Chem midterm", "History essay"]
    assert all("due" in request for request in found)


@pytest.mark.parametrize(
    ("text", "asked", "expected"),
    [
        ("log my mood as 4", False, 4),
        ("i'm at about a 6 right now", False, 6),
        ("4/10 today", False, 4),
        ("today is a 2 out of ten", False, 2),
        ("mood 10", False, 10),
        ("i have 3 exams", False, None),
        ("i'm 5 days behind", False, None),
        ("it's 4 am", False, None),
        ("3", True, 3),
        ("maybe a 7?", True, 7),
        ("11", True, None),
        ("12:30", True, None),
        ("not sure", True, None),
    ],
)
def test_mood_numbers(text: str, asked: bool, expected: int | None) -> None:
    assert mood_number(text, asked) == expected


ESSAY, REPORT, PHYSICS = (
    OpenTask(uuid4(), title, None) for title in ("History essay", "Lab report", "Physics lab report")
)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("mark the essay as done", {ESSAY.id}),
        ("i finished the physics lab report", {PHYSICS.id}),
        ("lab report is done", {REPORT.id}),
        ("check off laundry", set()),
    ],
)
def test_the_task_that_is_meant(text: str, meant: set[UUID]) -> None:
    assert {task.id for task in match_task(text, (ESSAY, REPORT, PHYSICS))} == meant
