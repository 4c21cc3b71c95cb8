"""Asks Canvas's REST interface as one student: patiently, within its throttle, and never anywhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import httpx

from core.logs import get_logger
from tools.academic.canvas.config import CanvasConfig, load_figures
from tools.academic.canvas.failures import (
    Busy,
    CanvasFailure,
    ForeignAddress,
    Incomplete,
    NotPermitted,
    Refused,
    SetUpWrong,
    SignInAgain,
    Unreachable,
)  # fmt: skip
from tools.academic.canvas.governor import Governor, is_throttled, wait_before
from tools.academic.canvas.paging import API, next_page

log = get_logger("canvas.client")
ACCEPT = "application/json+canvas-string-ids, application/json"
"""Ids as text: those of a partner's Canvas are beyond what a JSON number holds exactly."""
Params = Sequence[tuple[str, str]]
GONE_FOR_GOOD = ("Expired access token.", "Revoked access token.")


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """What Canvas let us have for one student. `version` counts how often the access token was replaced."""

    access: str
    refresh: str
    expires_at: datetime | None
    version: int = 1


class Access(Protocol):
    """Whose token is used, and how it is renewed."""

    @property
    def student(self) -> UUID: ...

    async def current(self) -> Token:
        """The token to use now."""
        ...

    async def renewed(self, after: Token) -> Token:
        """A token newer than one that Canvas no longer takes; raises `SignInAgain`."""
        ...


@dataclass(frozen=True, slots=True)
class Listed:
    """A whole list. `unchanged`: it is what `etag` named, and was not sent again."""

    rows: list[dict[str, Any]]
    etag: str | None = None
    unchanged: bool = False


class CanvasClient:
    """The interface as one student sees it; one request at a time."""

    def __init__(self, config: CanvasConfig, http: httpx.AsyncClient, governor: Governor, access: Access) -> None:
        self._config, self._http, self._governor, self._access = config, http, governor, access

    async def one(self, path: str, params: Params = ()) -> dict[str, Any]:
        """Return one object; raises a `CanvasFailure`."""
        found = _json(await self._get(self._address(path), params))
        if not isinstance(found, dict):
            raise Incomplete(path)
        return found

    async def rows(self, path: str, params: Params = ()) -> list[dict[str, Any]]:
        """Return a whole list, each id once; raises a `CanvasFailure`, and never returns a part."""
        return (await self.listed(path, params)).rows

    async def listed(self, path: str, params: Params = (), etag: str | None = None) -> Listed:
        """Return a whole list, or that it is what `etag` names. Only a list of one page has an `etag`."""
        figures = load_figures()["requests"]
        address: str | None = self._address(path)
        query: Params | None = [*params, ("per_page", str(figures["per_page"]))]
        found, pages, known = [], 0, None
        while address is not None:
            if pages == figures["most_pages"]:
                raise Incomplete("endless_list")
            response = await self._get(address, query, etag=etag if pages == 0 else None, a_list=True)
            if response.status_code == httpx.codes.NOT_MODIFIED:
                return Listed([], etag, unchanged=True)
            content = _json(response)
            if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
                raise Incomplete(path)
            found += content
            address, query, pages = next_page(response, self._config.base_url), None, pages + 1
            known = response.headers.get("ETag")
        return Listed(_once(found), known if pages == 1 else None)

    def _address(self, path: str) -> str:
        return f"{self._config.base_url}{API}{path.lstrip('/')}"

    async def _get(
        self, address: str, params: Params | None, *, etag: str | None = None, a_list: bool = False
    ) -> httpx.Response:
        """Ask, renewing the token once if it is no longer taken."""
        token = await self._access.current()
        response = await self._patiently(address, params, token, etag, a_list)
        if _token_is_dead(response):
            token = await self._access.renewed(token)
            response = await self._patiently(address, params, token, etag, a_list)
            if _token_is_dead(response):
                raise SignInAgain("token_refused_twice")
        _raise_for(response)
        return response

    async def _patiently(
        self, address: str, params: Params | None, token: Token, etag: str | None, a_list: bool
    ) -> httpx.Response:
        """Ask until there is an answer that can be read, or patience ends."""
        figures = load_figures()["requests"]
        spent = busy = 0
        while True:
            try:
                response = await self._once(address, params, token, etag)
                if not is_throttled(response):
                    self._check(response, a_list)
                    return response
                busy += 1
                failure: CanvasFailure = Busy("throttled", figures["longest_wait"])
            except ForeignAddress:
                log.error("canvas_sent_us_elsewhere", host=self._config.host)
                raise
            except (Unreachable, Incomplete) as error:
                if str(error) == "resting":
                    raise
                spent, failure = spent + 1, error
            if busy >= figures["tries_when_busy"] or spent >= figures["tries"]:
                raise failure
            await self._governor.pause(wait_before(busy + spent - 1))

    async def _once(self, address: str, params: Params | None, token: Token, etag: str | None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token.access}", "Accept": ACCEPT}
        if etag:
            headers["If-None-Match"] = etag
        whose = self._access.student
        async with self._governor.request(whose):
            try:
                async with asyncio.timeout(load_figures()["requests"]["whole_answer"]):
                    response = await self._http.get(
                        address,
                        params=list(params) if params is not None else None,
                        headers=headers,
                        timeout=self._config.timeout,
                        follow_redirects=False,
                    )
            except (httpx.RequestError, TimeoutError) as error:
                self._governor.failed()
                raise Unreachable(type(error).__name__) from error
        if response.is_server_error:
            self._governor.failed()
            raise Unreachable(str(response.status_code))
        self._governor.note(whose, response)
        return response

    def _check(self, response: httpx.Response, a_list: bool) -> None:
        """Raise `Incomplete` for an answer that cannot be read: another try may bring it whole."""
        if response.status_code == httpx.codes.OK:
            _json(response)
            if a_list:
                next_page(response, self._config.base_url)


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError as error:
        raise Incomplete("not_json") from error


def _once(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows, each once: one that moves while a list is read can come on two pages, and the later is the newer."""
    found: dict[object, dict[str, Any]] = {}
    for place, row in enumerate(rows):
        own = row.get("id", row.get("plannable_id"))
        found[(row.get("plannable_type"), str(own)) if own is not None else place] = row
    return list(found.values())


def _messages(response: httpx.Response) -> str:
    try:
        return str(response.json())
    except ValueError:
        return ""


def _token_is_dead(response: httpx.Response) -> bool:
    """Whether the access token has ended and may be renewed; raises `SignInAgain` when the grant itself has."""
    if response.status_code != httpx.codes.UNAUTHORIZED or "WWW-Authenticate" not in response.headers:
        return False
    said = _messages(response)
    if any(words in said for words in GONE_FOR_GOOD):
        raise SignInAgain("grant_ended")
    return True


def _raise_for(response: httpx.Response) -> None:
    status = response.status_code
    if status in (httpx.codes.OK, httpx.codes.NOT_MODIFIED):
        return
    if status == httpx.codes.UNAUTHORIZED and "Insufficient scopes" in _messages(response):
        raise NotPermitted("scope")
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND):
        raise Refused(str(status))
    if response.is_redirect:
        raise SetUpWrong("canvas_moved")
    raise Incomplete(str(status))
