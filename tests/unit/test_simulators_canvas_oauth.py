"""The simulated Canvas's OAuth: what a client that signs a student in has to live with."""

import base64
import hashlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from simulators.canvas.browser import consent
from simulators.run import Running, serve_in_process

NOW = "2026-09-24T18:00:00Z"
MAYA = 4821
BACK = "http://127.0.0.1:9/callback"
UNSCOPED = ("10001", "unscoped-development-secret")
SCOPED = ("10002", "scoped-development-secret")
NO_INCLUDES = ("10003", "no-includes-development-secret")
COURSES = "url:GET|/api/v1/courses"
VERIFIER = "a-verifier-that-is-long-enough-to-be-one-0123456789"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def process() -> Iterator[Running]:
    with serve_in_process("simulators.canvas", "--now", NOW) as running:
        yield running


@pytest.fixture
def canvas(process: Running) -> Running:
    process.control.reset()
    return process


def authorise_url(canvas: Running, key: tuple[str, str] = UNSCOPED, **changes: str) -> str:
    parameters = {"client_id": key[0], "response_type": "code", "redirect_uri": BACK, "state": "s1"} | changes
    return f"{canvas.base_url}/login/oauth2/auth?{urlencode(parameters)}"


def answer_in(location: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def code_for(canvas: Running, key: tuple[str, str] = UNSCOPED, **changes: str) -> str:
    return answer_in(consent(authorise_url(canvas, key, **changes), MAYA))["code"]


def ask_token(canvas: Running, key: tuple[str, str] = UNSCOPED, **form: str) -> httpx.Response:
    client = {"client_id": key[0], "client_secret": key[1]}
    return httpx.post(f"{canvas.base_url}/login/oauth2/token", data=client | form)


def exchange(canvas: Running, code: str, key: tuple[str, str] = UNSCOPED, **form: str) -> httpx.Response:
    return ask_token(canvas, key, grant_type="authorization_code", code=code, **form)


def sign_in(canvas: Running, key: tuple[str, str] = UNSCOPED, **changes: str) -> dict[str, Any]:
    answer: dict[str, Any] = exchange(canvas, code_for(canvas, key, **changes), key).json()
    return answer


def get(canvas: Running, token: str, path: str = "/users/self") -> httpx.Response:
    return httpx.get(f"{canvas.base_url}/api/v1{path}", headers={"Authorization": f"Bearer {token}"})


def change(canvas: Running, **step: Any) -> None:
    url = f"{canvas.control.url}/__control__/changes"
    httpx.post(url, json=[step], headers=canvas.control.headers).raise_for_status()


def test_a_code_becomes_a_token_that_answers_for_the_student(canvas: Running) -> None:
    location = consent(authorise_url(canvas), MAYA)
    assert location.startswith(BACK)
    assert answer_in(location)["state"] == "s1"
    assert len(answer_in(location)["code"]) == 128
    answer = exchange(canvas, answer_in(location)["code"]).json()
    assert answer["expires_in"] == 3600
    assert answer["user"] == {
        "id": MAYA,
        "name": "Maya Okafor",
        "global_id": "10000000004821",
        "effective_locale": "en",
    }
    assert get(canvas, answer["access_token"]).json()["id"] == MAYA


def test_the_student_may_say_no(canvas: Running) -> None:
    answer = answer_in(consent(authorise_url(canvas), MAYA, deny=True))
    assert (answer["error"], answer["state"]) == ("access_denied", "s1")


def test_a_code_works_once_and_for_ten_minutes(canvas: Running) -> None:
    code = code_for(canvas)
    assert exchange(canvas, code).status_code == 200
    assert exchange(canvas, code).json()["error_description"] == "authorization_code not found"
    late = code_for(canvas)
    change(canvas, op="clock", seconds=601)
    assert exchange(canvas, late).json()["error"] == "invalid_grant"


def test_a_refresh_replaces_the_access_token_and_brings_no_refresh_token(canvas: Running) -> None:
    first = sign_in(canvas)
    renewed = ask_token(canvas, grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    assert "refresh_token" not in renewed
    assert get(canvas, first["access_token"]).status_code == 401
    assert get(canvas, renewed["access_token"]).status_code == 200
    again = ask_token(canvas, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert again.status_code == 200
    assert get(canvas, renewed["access_token"]).status_code == 401


def test_a_token_lasts_an_hour(canvas: Running) -> None:
    token = sign_in(canvas)["access_token"]
    change(canvas, op="clock", seconds=3599)
    assert get(canvas, token).status_code == 200
    change(canvas, op="clock", seconds=1)
    answer = get(canvas, token)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="canvas-lms"'
    assert answer.json() == {"errors": [{"message": "Invalid access token."}]}


@pytest.mark.parametrize(
    ("effect", "message", "may_refresh"),
    [
        ("expire", "Invalid access token.", True),
        ("expire_for_good", "Expired access token.", False),
        ("revoke", "Revoked access token.", False),
        ("refuse_refresh", "Invalid access token.", False),
    ],
)
def test_tokens_end_in_several_ways(canvas: Running, effect: str, message: str, may_refresh: bool) -> None:
    granted = sign_in(canvas)
    change(canvas, op="tokens", user_id=MAYA, effect=effect)
    assert get(canvas, granted["access_token"]).json()["errors"][0]["message"] == message
    refreshed = ask_token(canvas, grant_type="refresh_token", refresh_token=granted["refresh_token"])
    assert (refreshed.status_code == 200) == may_refresh
    if not may_refresh:
        assert refreshed.json() == {"error": "invalid_request", "error_description": "refresh_token not found"}


def test_a_token_is_deleted_by_its_bearer(canvas: Running) -> None:
    token = sign_in(canvas)["access_token"]
    url = f"{canvas.base_url}/login/oauth2/token"
    assert httpx.delete(url).status_code == 400
    assert httpx.delete(url, headers={"Authorization": f"Bearer {token}"}).json() == {}
    assert get(canvas, token).status_code == 401


def test_new_tokens_may_replace_old_ones(canvas: Running) -> None:
    first = sign_in(canvas)["access_token"]
    second = sign_in(canvas)["access_token"]
    assert get(canvas, first).status_code == 200
    exchange(canvas, code_for(canvas), replace_tokens="1")
    assert {get(canvas, first).status_code, get(canvas, second).status_code} == {401}


class TestPkce:
    def test_the_verifier_is_demanded_and_checked_once(self, canvas: Running) -> None:
        canvas.control.behave(throttle={"on": False})  # The fourth token request in a row would be refused.
        pkce = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
        code = code_for(canvas, **pkce)
        assert exchange(canvas, code, code_verifier=VERIFIER).status_code == 200
        guessed = code_for(canvas, **pkce)
        assert exchange(canvas, guessed, code_verifier="wrong").json()["error"] == "invalid_grant"
        assert exchange(canvas, guessed, code_verifier=VERIFIER).json()["error"] == "invalid_grant"
        assert exchange(canvas, code_for(canvas, **pkce)).json()["error"] == "invalid_grant"

    @pytest.mark.parametrize(
        "pkce", [{"code_challenge": "x"}, {"code_challenge": "x", "code_challenge_method": "plain"}]
    )
    def test_anything_but_s256_is_silently_ignored(self, canvas: Running, pkce: dict[str, str]) -> None:
        assert exchange(canvas, code_for(canvas, **pkce)).status_code == 200


class TestErrors:
    @pytest.mark.parametrize(
        ("key", "form", "status", "error", "description"),
        [
            (("99", "x"), {}, 401, "invalid_client", "unknown client"),
            ((UNSCOPED[0], "x"), {}, 401, "invalid_client", "invalid client"),
            (UNSCOPED, {"grant_type": "password"}, 400, "unsupported_grant_type", None),
            (UNSCOPED, {"grant_type": "authorization_code"}, 400, "invalid_request", None),
            (UNSCOPED, {"grant_type": "refresh_token"}, 400, "invalid_request", None),
            (UNSCOPED, {"grant_type": "authorization_code", "code": "x"}, 400, "invalid_grant", "authorization_code not found"),
        ],
    )  # fmt: skip
    def test_of_the_token_endpoint(
        self,
        canvas: Running,
        key: tuple[str, str],
        form: dict[str, str],
        status: int,
        error: str,
        description: str | None,
    ) -> None:
        answer = ask_token(canvas, key, **form)
        assert (answer.status_code, answer.json()["error"]) == (status, error)
        assert answer.headers.get("www-authenticate") == ("Canvas OAuth 2.0" if status == 401 else None)
        if description:
            assert answer.json()["error_description"] == description

    def test_a_code_of_another_client(self, canvas: Running) -> None:
        code = code_for(canvas)
        assert exchange(canvas, code, SCOPED).json()["error_description"] == "incorrect client"

    def test_go_back_as_a_redirect_when_an_address_is_given_unless_switched_off(self, canvas: Running) -> None:
        answer = exchange(canvas, "x", redirect_uri=BACK)
        assert answer.status_code == 302
        assert answer_in(answer.headers["location"])["error"] == "invalid_grant"
        canvas.control.behave(no_redirect_on_oauth_token_method=True)
        assert exchange(canvas, "x", redirect_uri=BACK).status_code == 400

    def test_the_client_may_name_itself_by_http_basic(self, canvas: Running) -> None:
        form = {"grant_type": "authorization_code", "code": code_for(canvas)}
        url = f"{canvas.base_url}/login/oauth2/token"
        assert httpx.post(url, data=form, auth=(UNSCOPED[0], "wrong")).status_code == 401
        assert httpx.post(url, data=form, auth=UNSCOPED).status_code == 200

    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ({"response_type": "token"}, "unsupported_response_type"),
            ({"prompt": "login"}, "unsupported_prompt_type"),
            ({"prompt": "none"}, "login_required"),
        ],
    )
    def test_of_the_authorisation_go_to_the_client(self, canvas: Running, changes: dict[str, str], error: str) -> None:
        assert answer_in(consent(authorise_url(canvas, **changes), MAYA))["error"] == error

    @pytest.mark.parametrize(
        ("changes", "status"),
        [
            ({"client_id": "99"}, 401),
            ({"redirect_uri": "https://evil.example/"}, 400),
            ({"redirect_uri": "http://127.0.0.1.evil.example/"}, 400),
            ({"redirect_uri": ""}, 400),
        ],
    )
    def test_that_must_not_redirect_do_not(self, canvas: Running, changes: dict[str, str], status: int) -> None:
        assert httpx.get(authorise_url(canvas, **changes)).status_code == status


class TestScopes:
    @pytest.mark.parametrize("scope", [None, "url:GET|/api/v1/accounts", f"{COURSES} url:GET|/api/v1/accounts"])
    def test_a_scoped_key_demands_scopes_it_has(self, canvas: Running, scope: str | None) -> None:
        changes = {"scope": scope} if scope else {}
        assert answer_in(consent(authorise_url(canvas, SCOPED, **changes), MAYA))["error"] == "invalid_scope"

    def test_a_token_reaches_what_its_scopes_name(self, canvas: Running) -> None:
        scope = f"{COURSES} url:GET|/api/v1/users/:id"
        token = sign_in(canvas, SCOPED, scope=scope)["access_token"]
        assert get(canvas, token, "/courses").status_code == 200
        assert get(canvas, token, "/users/self").status_code == 200
        answer = get(canvas, token, "/users/self/profile")
        assert answer.status_code == 401
        assert "www-authenticate" not in answer.headers
        assert answer.json() == {"errors": [{"message": "Insufficient scopes on access token."}]}

    def test_includes_are_ignored_without_leave(self, canvas: Running) -> None:
        path = "/courses?include[]=total_scores"
        for key, has_scores in ((SCOPED, True), (NO_INCLUDES, False)):
            token = sign_in(canvas, key, scope=COURSES)["access_token"]
            assert ("computed_current_score" in get(canvas, token, path).text) == has_scores

    def test_taking_a_scope_from_a_key_ends_its_tokens(self, canvas: Running) -> None:
        token = sign_in(canvas, SCOPED, scope=COURSES)["access_token"]
        change(canvas, op="remove_scope", key_id=10002, scope="url:GET|/api/v1/announcements")
        assert get(canvas, token, "/courses").status_code == 401

    def test_userinfo_gives_identity_only(self, canvas: Running) -> None:
        answer = sign_in(canvas, UNSCOPED, scope="/auth/userinfo")
        assert answer["access_token"] is None
        assert answer["user"]["id"] == MAYA
        assert "refresh_token" not in answer


def test_who_is_signed_in_and_has_agreed_is_not_asked_again(canvas: Running) -> None:
    with httpx.Client(base_url=canvas.base_url) as browser:
        path = authorise_url(canvas).removeprefix(canvas.base_url)
        page = browser.get(path, follow_redirects=True)
        assert "Maya Okafor" in page.text
        first = browser.post(path.replace("/auth?", "/accept?"), data={"user_id": str(MAYA)})
        assert answer_in(browser.get(f"{path}&prompt=none").headers["location"])["error"] == "interaction_required"
        exchange(canvas, answer_in(first.headers["location"])["code"])
        assert "code" in answer_in(browser.get(f"{path}&prompt=none").headers["location"])
        assert "/confirm" in browser.get(f"{path}&force_login=1").headers["location"]
