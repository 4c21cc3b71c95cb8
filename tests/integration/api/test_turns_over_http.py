"""A conversation as any client sees it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from core.ids import new_id
from tests.integration.api.conftest import CRISIS, Client, parse_events, sign_in
from tests.site import Site


def test_json_and_stream_tell_the_same_reply(maya: Client) -> None:
    conversation = maya.begin()
    events = maya.stream(conversation, "I can't sleep, my head keeps going over the lab report")
    names = [name for name, _ in events if name != "notice"]
    assert names[0] == "screening"
    assert names[-1] == "done"
    assert "sentence" in names
    sentences = "".join(data["text"] + data["ends"] for name, data in events if name == "sentence").strip()
    stored = maya.messages(conversation)
    assert [entry["author"] for entry in stored] == ["student", "companion"]
    assert stored[1]["text"] == sentences
    again = maya.say(conversation, "it happens most nights now")
    assert again["reply"]
    assert again["reply"] != sentences


def test_a_crisis_gets_the_script_the_lines_and_a_true_delivery_state(maya: Client, rosa: Client) -> None:
    conversation = maya.begin()
    events = dict(maya.stream(conversation, CRISIS))
    assert events["screening"]["crisis"]
    assert events["crisis"]["messages"]
    hrefs = [choice["href"] for choice in events["crisis"]["choices"] if choice["href"]]
    hrefs += [line["call_href"] for line in events["crisis"]["resources"] if line["call_href"]]
    assert any(href.startswith("tel:") for href in hrefs)
    assert events["delivery"]["opened_at"] is None
    entries = rosa.http.get("/care/queue").json()["entries"]
    newest = max(entries, key=lambda entry: entry["opened_at"])
    assert newest["category"] == "suicide"
    assert newest["pinned"]
    case = rosa.http.get(f"/care/cases/{newest['id']}").json()
    assert CRISIS in str(case)
    status = maya.http.get(f"/conversations/{conversation}/status").json()
    assert status["delivery"]["opened_at"] is not None
    assert "Opened" in status["delivery"]["status"]


def test_ten_messages_at_once_are_all_kept_in_order(maya: Client) -> None:
    conversation = maya.begin()
    texts = [f"note {n}: the reading for seminar is long" for n in range(10)]
    with ThreadPoolExecutor(10) as pool:
        turns = list(pool.map(lambda text: maya.say(conversation, text), texts))
    stored = maya.messages(conversation)
    students = [entry["text"] for entry in stored if entry["author"] == "student"]
    assert students == [text for _, text in sorted(zip([turn["seq"] for turn in turns], texts, strict=True))]
    assert [entry["author"] for entry in stored] == ["student", "companion"] * 10


def test_a_resend_is_harmless(maya: Client) -> None:
    conversation, key = maya.begin(), str(new_id())
    first = maya.say(conversation, "the lab is due friday", key)
    second = maya.say(conversation, "the lab is due friday", key)
    assert first["turn_id"] == second["turn_id"]
    assert first["reply"] == second["reply"]
    assert len(maya.messages(conversation)) == 2


def test_a_lost_stream_is_taken_up_again_where_it_ended(maya: Client) -> None:
    conversation = maya.begin()
    turn = maya.say(conversation, "my roommate is loud at night")
    path = f"/conversations/{conversation}/turns/{turn['turn_id']}/events"
    with maya.http.stream("GET", path) as response:
        whole = parse_events(response.iter_lines())
    with maya.http.stream("GET", path, headers={"Last-Event-ID": "1.2"}) as response:
        rest = parse_events(response.iter_lines())
    assert whole[2:] == rest
    assert rest[-1][0] == "done"


def test_another_accounts_conversation_is_not_found(maya: Client, jonas: Client, rosa: Client) -> None:
    conversation = maya.begin()
    turn = maya.say(conversation, "the lab is due friday")["turn_id"]
    for stranger in (jonas, rosa):
        for method, path in (
            ("GET", f"/conversations/{conversation}/messages"),
            ("GET", f"/conversations/{conversation}/status"),
            ("GET", f"/conversations/{conversation}/turns/{turn}/events"),
            ("POST", f"/conversations/{conversation}/turns"),
            ("DELETE", f"/conversations/{conversation}"),
        ):
            response = stranger.http.request(method, path, json={"text": "hello"} if method == "POST" else None)
            assert response.status_code in ({404} if stranger is jonas else {403, 404}), (method, path)
            assert "lab" not in response.text


def test_tools_act_for_the_student_and_show_in_the_record(maya: Client) -> None:
    before = len(maya.http.get("/wellness/mood/history").json()["items"])
    conversation = maya.begin()
    turn = maya.say(conversation, "log my mood as 4, anxious")
    assert [tool["tool"] for tool in turn["tools"]] == ["log_mood"]
    items = maya.http.get("/wellness/mood/history").json()["items"]
    assert len(items) == before + 1
    assert items[0]["score"] == 4
    assert maya.http.delete(f"/conversations/{conversation}").json()["deleted"]
    assert len(maya.http.get("/wellness/mood/history").json()["items"]) == before


@pytest.mark.parametrize("kind", ["voice", "voice_unconfirmed"])
def test_no_client_can_keep_a_crisis_from_people_by_what_it_says_of_the_input(maya: Client, kind: str) -> None:
    path = f"/conversations/{maya.begin()}/turns"
    answered = maya.http.post(path, json={"text": CRISIS, "input": kind}).json()
    assert answered["path"] == "script" and answered["delivery"] is not None
    assert "I may have misheard you" not in answered["reply"]
    assert maya.http.post(path, json={"text": CRISIS, "input": "by_pigeon"}).status_code == 422


def test_a_questionnaires_item_leads_to_the_questions(site: Site) -> None:
    wei = sign_in(site, "student", 3)  # No other test of the API asks this student anything.
    told = wei.http.post("/wellness/signals", json={"signal": "phq9_item9"})
    assert told.status_code == 201
    words = wei.messages(told.json()["conversation_id"])
    assert words[-1]["text"].startswith("Have you wished you were dead")
    assert wei.http.post("/wellness/signals", json={"signal": "mood_low_sustained"}).status_code == 422
    wei.http.close()
