"""Whatever comes in: a clear problem+json with the way to help, and nothing of it in a log."""

from __future__ import annotations

import httpx
import pytest

from core.ids import new_id
from tests.integration.api.conftest import Client
from tests.site import Site

JSON = {"Content-Type": "application/json"}


def check(response: httpx.Response, status: int) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["detail"]
    assert body["help"]["page"] == "/help"
    assert body["help"]["lines"]
    assert "Traceback" not in response.text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b'{"text": ""}', 422),
        (b'{"text": "   \\n\\t "}', 422),
        (b'{"text": "\\u0000\\u0007"}', 422),
        (b'{"text": 7}', 422),
        (b'{"text": ["a"]}', 422),
        (b'{"words": "hello"}', 422),
        (b'{"text": "caf\xff\xfe"}', 400),
        (b"[]", 422),
        (b'{"text": "' + b"a" * 130_000 + b'"}', 413),
        (b'{"text": "' + b"a" * 2_000_000 + b'"}', 413),
    ],
    ids=["empty", "cut", "no-words", "blank", "control", "number", "list", "other", "utf8", "array", "130kB", "2MB"],
)
def test_a_message_that_cannot_be_read(maya: Client, body: bytes, status: int) -> None:
    conversation = maya.begin()
    check(maya.http.post(f"/conversations/{conversation}/turns", content=body, headers=JSON), status)
    assert maya.messages(conversation) == []


def test_a_long_message_is_read_to_its_end(maya: Client) -> None:
    conversation = maya.begin()
    text = "the seminar reading was about rivers and trade in the north. " * 1600
    turn = maya.say(conversation, text[:98_000] + " I am going to kill myself tonight.")
    assert turn["path"] == "script"


def test_control_characters_are_taken_out_and_the_rest_is_kept(maya: Client) -> None:
    conversation = maya.begin()
    maya.say(conversation, "the \x07lab\x00 is due\nfriday")
    assert maya.messages(conversation)[0]["text"] == "the lab is due\nfriday"


@pytest.mark.parametrize("path", ["/conversations/{id}/messages", "/conversations/{id}/status"])
def test_unknown_and_malformed_ids(maya: Client, path: str) -> None:
    check(maya.http.get(path.format(id=new_id())), 404)
    check(maya.http.get(path.format(id="not-an-id")), 422)
    check(maya.http.get("/nothing/here"), 404)


@pytest.mark.parametrize("token", ["x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
def test_bad_tokens(site: Site, token: str) -> None:
    check(httpx.get(f"{site.address}/api/v1/conversations", headers={"Authorization": f"Bearer {token}"}), 401)


def test_no_token(site: Site) -> None:
    check(httpx.get(f"{site.address}/api/v1/conversations"), 401)


def test_a_cookie_is_not_enough_from_another_site(site: Site) -> None:
    login = site.login("student")
    with httpx.Client(base_url=site.address) as browser:
        credentials = {"email": login.email, "password": login.password, "browser": True}
        browser.post("/api/v1/auth/login", json=credentials)
        check(browser.post("/api/v1/conversations", headers={"Sec-Fetch-Site": "cross-site"}), 403)
        check(browser.post("/api/v1/conversations", headers={"Origin": "https://elsewhere.example"}), 403)
        check(browser.post("/api/v1/conversations"), 403)
        assert browser.post("/api/v1/conversations", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 201


MARKER = "zyzzyva"
"""A word that nobody but this test writes."""


def test_nothing_a_student_wrote_is_in_a_log(site: Site, maya: Client) -> None:
    conversation = maya.begin()
    path = f"/conversations/{conversation}/turns"
    for content in (f'{{"text": ["{MARKER}"]}}', f'{{"text": "{MARKER}', f'{{"words": "{MARKER}"}}'):
        assert maya.http.post(path, content=content, headers=JSON).is_error
    maya.http.post("/wellness/mood", json={"score": 99, "note": MARKER})
    maya.http.post("/wellness/mood", json={"score": 3, "emotions": [MARKER]})
    maya.say(conversation, f"{MARKER} the lab is due friday")
    maya.say(conversation, f"I want to kill myself tonight, {MARKER}")
    assert site.log is not None
    text = site.log.read_text()
    assert text, "the service logs something"
    assert MARKER not in text
