"""OAuth 2 with PKCE and state: the way to a student's permission, its renewal and its end."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from core.clock import Clock
from tools.academic.canvas.client import Token
from tools.academic.canvas.config import SCOPES, CanvasConfig
from tools.academic.canvas.failures import Busy, Incomplete, SetUpWrong, SignInAgain, Unreachable
from tools.academic.canvas.governor import Governor, is_throttled

OURS = ("invalid_client", "unauthorized_client", "invalid_scope", "unsupported_grant_type", "unsupported_response_type")
"""Errors that only whoever runs the service can repair."""
MISMATCH = "redirect_uri does not match"
TOKEN_TIMEOUT = 10.0
"""Shorter than a student's other requests wait for the same renewal."""


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """What one sign-in needs: `state` proves that the answer is to our question, `verifier` that the code is ours."""

    state: str
    verifier: str

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def new_secrets() -> Secrets:
    """Fresh secrets for one sign-in."""
    return Secrets(secrets.token_urlsafe(32), secrets.token_urlsafe(48))


def refusal(error: str, description: str) -> SetUpWrong | SignInAgain:
    """What an OAuth error means for the student."""
    if error in OURS or MISMATCH in description:
        return SetUpWrong(error)
    return SignInAgain(error)


class OAuth:
    """Canvas's authorisation server as a confidential client sees it."""

    def __init__(self, config: CanvasConfig, http: httpx.AsyncClient, governor: Governor, clock: Clock) -> None:
        self._config, self._http, self._governor, self._clock = config, http, governor, clock

    def authorise_url(self, secrets: Secrets, redirect_url: str) -> str:
        """The address at which the student allows us to read."""
        query = {
            "client_id": self._config.client_id,
            "response_type": "code",
            "redirect_uri": redirect_url,
            "state": secrets.state,
            "scope": " ".join(SCOPES),
            "code_challenge": secrets.challenge,
            "code_challenge_method": "S256",
            "purpose": "Companion",
        }
        return f"{self._config.base_url}/login/oauth2/auth?{urlencode(query)}"

    async def exchange(self, code: str, verifier: str, redirect_url: str) -> Token:
        """Turn a code into a token; raises a `CanvasFailure`."""
        return self._token(
            await self._ask(
                grant_type="authorization_code", code=code, code_verifier=verifier, redirect_uri=redirect_url
            ),
            None,
        )

    async def refresh(self, token: Token) -> Token:
        """Replace the access token, which ends the one of before at once; raises a `CanvasFailure`.

        Canvas sends no new refresh token: the one we have stays good.
        """
        return self._token(await self._ask(grant_type="refresh_token", refresh_token=token.refresh), token)

    async def revoke(self, token: Token) -> bool:
        """Give the permission back; returns whether Canvas says that it is gone."""
        try:
            response = await self._http.delete(
                f"{self._config.base_url}/login/oauth2/token",
                headers={"Authorization": f"Bearer {token.access}"},
                timeout=min(TOKEN_TIMEOUT, self._config.timeout),
                follow_redirects=False,
            )
        except httpx.RequestError:
            return False
        # A token that is not taken any more is one that is gone only if its grant is: a spent hour leaves the grant.
        return response.is_success or "Revoked access token." in response.text

    async def _ask(self, **form: str) -> dict[str, Any]:
        self._governor.take_token_request()
        data = {"client_id": self._config.client_id, "client_secret": self._config.client_secret} | form
        try:
            async with asyncio.timeout(min(TOKEN_TIMEOUT, self._config.timeout)):
                response = await self._http.post(
                    f"{self._config.base_url}/login/oauth2/token", data=data, follow_redirects=False
                )
        except (httpx.RequestError, TimeoutError) as error:
            self._governor.failed()
            raise Unreachable("token") from error
        if is_throttled(response):
            raise Busy("token", 60)
        if response.is_server_error:
            raise Unreachable("token")
        return _answer(response)

    def _token(self, answer: dict[str, Any], before: Token | None) -> Token:
        access, lasts = answer.get("access_token"), answer.get("expires_in")
        refresh = answer.get("refresh_token") or (before.refresh if before else None)
        if not isinstance(access, str) or not isinstance(refresh, str):
            raise Incomplete("token")
        ends: datetime | None = self._clock.now() + timedelta(seconds=float(lasts)) if lasts is not None else None
        return Token(access, refresh, ends, before.version + 1 if before else 1)


def _answer(response: httpx.Response) -> dict[str, Any]:
    """Read the token endpoint's answer. Its errors come as JSON, or as a redirect back to where the code came from."""
    if response.is_redirect:
        query = parse_qs(urlsplit(response.headers.get("Location", "")).query)
        raise refusal(query.get("error", ["redirected"])[0], query.get("error_description", [""])[0])
    try:
        found = response.json()
    except ValueError as error:
        raise Incomplete("token") from error
    if not isinstance(found, dict):
        raise Incomplete("token")
    if not response.is_success:
        raise refusal(str(found.get("error")), str(found.get("error_description")))
    return found
