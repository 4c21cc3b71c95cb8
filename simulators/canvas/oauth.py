"""Canvas's OAuth 2: authorisation codes, PKCE, the token endpoint, scopes."""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import NoReturn
from urllib.parse import urlencode, urlsplit

from simulators.canvas.errors import CanvasError, insufficient_scopes
from simulators.canvas.model import DeveloperKey, User
from simulators.canvas.tokens import TOKEN_LIFE, Token, TokenStore
from simulators.canvas.world import World

CODE_LIFE = timedelta(minutes=10)
OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"
USERINFO = "/auth/userinfo"
SPENT = "spent"


class OAuthError(CanvasError):
    """An error of the token endpoint, or one of the authorisation before anybody may be redirected."""

    def __init__(self, status: int, error: str, description: str) -> None:
        headers = {"WWW-Authenticate": "Canvas OAuth 2.0"} if status == 401 else None
        super().__init__(status, {"error": error, "error_description": description}, headers)
        self.error = error
        self.description = description


@dataclass(frozen=True)
class Authorisation:
    """A client's request to act for a user. `challenge` is PKCE's, when both of its parameters were sent."""

    key: DeveloperKey
    redirect_uri: str
    state: str | None
    scopes: tuple[str, ...]
    challenge: str | None

    def back(self, **parameters: str) -> str:
        """The client's address with an answer."""
        query = urlencode(parameters if self.state is None else {**parameters, "state": self.state})
        if self.redirect_uri == OUT_OF_BAND:
            return f"/login/oauth2/auth?{query}"
        return f"{self.redirect_uri}{'&' if urlsplit(self.redirect_uri).query else '?'}{query}"


class RedirectedError(Exception):
    """An error that the browser takes back to the client."""

    def __init__(self, request: Authorisation, error: str, description: str) -> None:
        super().__init__(error)
        self.location = request.back(error=error, error_description=description)


@dataclass(frozen=True)
class _Code:
    request: Authorisation
    user_id: int
    expires_at: datetime


class OAuthServer:
    """The authorisation server. Developer keys are rows of the world, tokens are in `tokens`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._codes: dict[str, _Code] = {}
        self.tokens = TokenStore(world.clock)

    def clear(self) -> None:
        """Forget every code and token."""
        self._codes.clear()
        self.tokens.forget(lambda _: True)

    def authorisation(self, parameters: Mapping[str, str]) -> Authorisation:
        """Check a request at `/login/oauth2/auth`. Raises `OAuthError`, or `RedirectedError` once that is safe."""
        key = self._key(parameters.get("client_id", ""))
        redirect_uri = parameters.get("redirect_uri", "")
        check_redirect(key, redirect_uri)
        challenge = parameters.get("code_challenge") if parameters.get("code_challenge_method") == "S256" else None
        scopes = tuple((parameters.get("scope") or parameters.get("scopes") or "").split())
        request = Authorisation(key, redirect_uri, parameters.get("state"), scopes, challenge)
        if parameters.get("response_type") != "code":
            raise RedirectedError(request, "unsupported_response_type", "Only response_type=code is permitted")
        if not key.enabled:
            raise RedirectedError(request, "unauthorized_client", "The client is not authorized in this account")
        if parameters.get("prompt", "none") != "none":
            raise RedirectedError(request, "unsupported_prompt_type", "The prompt type is not supported")
        if key.scopes is not None and scopes != (USERINFO,) and not (scopes and set(scopes) <= set(key.scopes)):
            raise RedirectedError(request, "invalid_scope", "A requested scope is invalid, unknown or missing")
        return request

    def may_skip_consent(self, request: Authorisation, user_id: int) -> bool:
        """Whether the key is trusted, or the user has granted the same before."""
        return request.key.trusted or self.tokens.covers(user_id, request.key, request.scopes)

    def grant(self, request: Authorisation, user_id: int) -> str:
        """Return a code of 128 hexadecimal digits for a request that the user has accepted."""
        code = secrets.token_hex(64)
        self._codes[code] = _Code(request, user_id, self._world.clock.now() + CODE_LIFE)
        return code

    def answer_token_request(self, form: Mapping[str, str], basic: tuple[str, str] | None) -> dict[str, object]:
        """Answer the token endpoint; `basic` is what HTTP Basic named. Raises `OAuthError`."""
        client_id, secret = basic or (form.get("client_id", ""), form.get("client_secret", ""))
        key = self._key(client_id)
        if not hmac.compare_digest(secret.encode(), key.secret.encode()):
            raise OAuthError(401, "invalid_client", "invalid client")
        match form.get("grant_type"):
            case "authorization_code":
                return self._exchange(key, form)
            case "refresh_token":
                return self._refresh(key, form)
            case _:
                description = "The grant_type you requested is not currently supported"
                raise OAuthError(400, "unsupported_grant_type", description)

    def _exchange(self, key: DeveloperKey, form: Mapping[str, str]) -> dict[str, object]:
        presented = _required(form, "code")
        if "redirect_uri" in form:
            check_redirect(key, form["redirect_uri"])
        code = self._codes.get(presented)
        user = self._world.user(code.user_id) if code else None
        if code is None or user is None or code.expires_at <= self._world.clock.now():
            _refuse("invalid_grant", "authorization_code not found")
        if code.request.key.id != key.id:
            _refuse("invalid_grant", "incorrect client")
        if code.request.challenge and not _proves(form.get("code_verifier", ""), code.request.challenge):
            # A challenge is looked at once: there is no second guess at the verifier.
            self._codes[presented] = replace(code, request=replace(code.request, challenge=SPENT))
            _refuse("invalid_grant", "incorrect code_verifier")
        del self._codes[presented]
        if code.request.scopes == (USERINFO,):
            return {"access_token": None, "token_type": "Bearer", "user": _identity(user)}
        if form.get("replace_tokens") == "1":
            self.tokens.forget(lambda token: (token.user_id, token.key_id) == (user.id, key.id))
        token = self.tokens.issue(user.id, key, code.request.scopes)
        return _answer(token, user) | {"refresh_token": token.refresh}

    def _refresh(self, key: DeveloperKey, form: Mapping[str, str]) -> dict[str, object]:
        token = self.tokens.refresh(_required(form, "refresh_token"), key)
        user = self._world.user(token.user_id) if token else None
        if token is None or user is None:
            _refuse("invalid_request", "refresh_token not found")
        return _answer(token, user)

    def check_scope(self, token: Token, method: str, path: str) -> None:
        """Raises `CanvasError` unless the token may ask for `method` `path`. A token of an unscoped key may."""
        key = self._world.key(token.key_id)
        if key is None or key.scopes is None:
            return
        if not any(_pattern(scope).fullmatch(f"url:{method}|{path}") for scope in token.scopes):
            raise insufficient_scopes()

    def ignores_includes(self, token: Token) -> bool:
        """Whether `include[]` has no effect: a scoped key without leave for it."""
        key = self._world.key(token.key_id)
        return key is not None and key.scopes is not None and not key.allow_includes

    def remove_scope(self, key_id: int, scope: str) -> int:
        """Take a scope from a key. All tokens of the key end with it; return how many. Raises `KeyError`."""
        key = self._world.key(key_id)
        if key is None:
            raise KeyError(key_id)
        self._world.put("keys", replace(key, scopes=[kept for kept in key.scopes or [] if kept != scope]))
        return self.tokens.forget(lambda token: token.key_id == key_id)

    def _key(self, client_id: str) -> DeveloperKey:
        key = self._world.key(int(client_id)) if client_id.isdecimal() else None
        if key is None:
            raise OAuthError(401, "invalid_client", "unknown client")
        return key


def check_redirect(key: DeveloperKey, redirect_uri: str) -> None:
    """Raises `OAuthError` unless the address is in the key's domain, below it, or out of band."""
    host = urlsplit(redirect_uri).hostname or ""
    inside = host == key.redirect_domain or host.endswith(f".{key.redirect_domain}")
    if redirect_uri != OUT_OF_BAND and not inside:
        _refuse("invalid_request", "redirect_uri does not match client settings")


@cache
def _pattern(scope: str) -> re.Pattern[str]:
    """A scope as a pattern: each `:param` is one segment of the path, whatever stands there."""
    parts = re.split(r"(:[a-z_]+)(?=/|$)", scope)
    return re.compile("".join("[^/]+" if part.startswith(":") else re.escape(part) for part in parts))


def _proves(verifier: str, challenge: str) -> bool:
    digest = hashlib.sha256(verifier.encode()).digest()
    return hmac.compare_digest(base64.urlsafe_b64encode(digest).rstrip(b"=").decode(), challenge.rstrip("="))


def _required(form: Mapping[str, str], name: str) -> str:
    value = form.get(name)
    if not value:
        _refuse(
            "invalid_request", f"You must provide the {name} parameter when using the {form['grant_type']} grant type"
        )
    return value


def _refuse(error: str, description: str) -> NoReturn:
    raise OAuthError(400, error, description)


def _identity(user: User) -> dict[str, object]:
    return {
        "id": user.id,
        "name": user.name,
        "global_id": f"1{user.id % 10**13:013d}",
        "effective_locale": user.locale or "en",
    }


def _answer(token: Token, user: User) -> dict[str, object]:
    answer: dict[str, object] = {
        "access_token": token.access,
        "token_type": "Bearer",
        "user": _identity(user),
        "canvas_region": "us-east-1",
    }
    return answer if token.expires_at is None else answer | {"expires_in": int(TOKEN_LIFE.total_seconds())}
