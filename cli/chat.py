"""`companion chat`: a terminal client over the HTTP API, as any other client would use it."""

from __future__ import annotations

import getpass
import time
from collections.abc import Generator, Iterator
from typing import Any

import httpx
import orjson
from rich.markup import escape
from rich.panel import Panel
from rich.prompt import Prompt

from cli.console import err, out
from core.errors import CompanionError, NotAuthenticated, Unavailable
from core.ids import new_id
from core.settings import Settings

TRIES, PAUSE_SECONDS = 3, 2.0
HELP = "Type a message. [bold]/new[/] begins anew, [bold]/help[/] shows lines, [bold]/quit[/] leaves."


class Session(httpx.Auth):
    """The signed-in account; an access token that ended is renewed and the request sent again."""

    def __init__(self, base_url: str, tokens: dict[str, Any]) -> None:
        self._refresh_url = base_url.rstrip("/") + "/auth/refresh"
        self._tokens = tokens

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign a request, and once more after renewing the tokens."""
        request.headers["Authorization"] = f"Bearer {self._tokens['access_token']}"
        response = yield request
        if response.status_code == 401:
            renewed = yield httpx.Request(
                "POST", self._refresh_url, json={"refresh_token": self._tokens["refresh_token"]}
            )
            renewed.read()
            if renewed.status_code == 200:
                self._tokens = renewed.json()
                request.headers["Authorization"] = f"Bearer {self._tokens['access_token']}"
                yield request


def talk(settings: Settings, address: str | None, email: str) -> None:
    """Sign in and chat until /quit; raises `NotAuthenticated` and `Unavailable`."""
    base = (address or settings.public_url).rstrip("/")
    with httpx.Client(base_url=f"{base}/api/v1", timeout=httpx.Timeout(60, connect=5)) as client:
        _sign_in(client, settings, email)
        conversation = _post(client, "/conversations")["id"]
        out.print("[bold]Companion[/] is software, not a person and not a therapist. " + HELP)
        choices: list[dict[str, Any]] = []
        while True:
            try:
                text = Prompt.ask("\n[cyan]you[/]", console=out).strip()
            except (EOFError, KeyboardInterrupt):
                return
            if text == "/quit":
                return
            if text == "/new":
                conversation, choices = _post(client, "/conversations")["id"], []
            elif text == "/help":
                _show_lines(client.get("/lines").json()["items"])
            elif text:
                choices = _turn(client, conversation, _chosen(text, choices))


def _sign_in(client: httpx.Client, settings: Settings, email: str) -> None:
    password = settings.demo_password.get_secret_value() if email.endswith("@demo.example") else ""
    password = password or getpass.getpass(f"Password of {email}: ")
    try:
        response = client.post("/auth/login", json={"email": email, "password": password})
    except httpx.TransportError as error:
        raise Unavailable(f"Nothing answers at {client.base_url}. Is `companion up` running?") from error
    if response.status_code == 202:
        code = input("The six digits in your authenticator app, or a recovery code: ")
        response = client.post("/auth/login/code", json={"ticket": response.json()["ticket"], "code": code})
    if response.status_code != 200:
        raise NotAuthenticated(response.json()["detail"])
    client.auth = Session(str(client.base_url), response.json())


def _post(client: httpx.Client, path: str) -> dict[str, Any]:
    response = client.post(path)
    if response.is_error:
        raise CompanionError(response.json()["detail"])
    found: dict[str, Any] = response.json()
    return found


def _chosen(text: str, choices: list[dict[str, Any]]) -> str:
    """A number picks the quick reply that was shown with it."""
    replies = [choice for choice in choices if not choice["href"]]
    if text.isdigit() and 1 <= int(text) <= len(replies):
        return str(replies[int(text) - 1]["value"])
    return text


def _turn(client: httpx.Client, conversation: str, text: str) -> list[dict[str, Any]]:
    headers = {"Accept": "text/event-stream", "Idempotency-Key": str(new_id())}
    path = f"/conversations/{conversation}/turns"
    choices: list[dict[str, Any]] = []
    for _ in range(TRIES):
        try:
            with client.stream("POST", path, json={"text": text}, headers=headers) as response:
                if response.is_error:
                    response.read()
                    _show_problem(response.json())
                    return choices
                for name, data in _events(response.iter_lines()):
                    choices = _show(name, data) or choices
            out.print()
            return choices
        except httpx.TransportError:
            err.print("[yellow]The connection broke; sending the same message again.[/]")
            time.sleep(PAUSE_SECONDS)
    err.print("[yellow]The service does not answer. Your message is kept if it arrived; /help shows who to call.[/]")
    return choices


def _events(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    name = ""
    for line in lines:
        if line.startswith("event:"):
            name = line[6:].strip()
        elif line.startswith("data:"):
            yield name, orjson.loads(line[5:])


def _show(name: str, data: dict[str, Any]) -> list[dict[str, Any]]:
    match name:
        case "sentence":
            out.print(("\n" if data["index"] == 0 else "") + escape(data["text"]), end=data["ends"], soft_wrap=True)
        case "tool":
            out.print(f"[dim]· {escape(data['label'])}[/]")
        case "citation":
            draft = " · draft" if data["draft"] else ""
            out.print(f"\n[dim]\\[{escape(data['title'])} · {escape(data['section'])}{draft}][/]", end="")
        case "crisis":
            return _show_crisis(data)
        case "notice":
            out.print(f"[dim italic]{escape(data['text'])}[/]")
        case "delivery" if data["status"]:
            out.print(f"[bold]{escape(data['status'])}[/]")
        case "error":
            err.print(f"[yellow]{escape(data['message'])}[/]")
    return []


def _show_crisis(data: dict[str, Any]) -> list[dict[str, Any]]:
    replies = [choice for choice in data["choices"] if not choice["href"]]
    numbered = [f"[bold]{number}[/] {escape(choice['label'])}" for number, choice in enumerate(replies, start=1)]
    out.print(Panel("\n\n".join([*map(escape, data["messages"]), "\n".join(numbered)]).strip(), border_style="red"))
    _show_lines(data["resources"])
    choices: list[dict[str, Any]] = data["choices"]
    return choices


def _show_lines(lines: list[dict[str, Any]]) -> None:
    for line in lines:
        ways = [
            f"call {line['call']}" if line["call"] else "",
            f"text {line['text']}" if line["text"] else "",
            line["chat"] or "",
        ]
        out.print(f"  [bold]{escape(line['name'])}[/]: {escape(' · '.join(way for way in ways if way))}")


def _show_problem(body: dict[str, Any]) -> None:
    err.print(f"[yellow]{escape(body['detail'])}[/]")
    if body.get("crisis"):
        _show_crisis(body["crisis"])
    else:
        _show_lines(body["help"]["lines"])
