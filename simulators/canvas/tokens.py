"""Access tokens as Canvas keeps them: one row a grant, whose access token a refresh replaces in place."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from simulators.canvas.clock import VirtualClock, stamp
from simulators.canvas.errors import expired_token, invalid_token, revoked_token
from simulators.canvas.model import DeveloperKey

TOKEN_LIFE = timedelta(hours=1)


class TokenEffect(StrEnum):
    """What can happen to a student's tokens: the hour passes, they end for good, or somebody takes them away."""

    EXPIRE = "expire"
    EXPIRE_FOR_GOOD = "expire_for_good"
    REVOKE = "revoke"
    REFUSE_REFRESH = "refuse_refresh"


@dataclass(frozen=True)
class Token:
    """A user's grant to a client. `expires_at` ends the access token, `ended_at` and `revoked` the grant."""

    id: int
    user_id: int
    key_id: int
    access: str
    refresh: str
    scopes: tuple[str, ...]
    expires_at: datetime | None
    ended_at: datetime | None = None
    revoked: bool = False


def new_secret() -> str:
    """A token as Canvas writes it: the account's shard, a tilde, 64 characters."""
    return f"10000~{secrets.token_hex(32)}"


class TokenStore:
    """The tokens of all users."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._last_id = 0
        self._by_access: dict[str, Token] = {}

    def issue(self, user_id: int, key: DeveloperKey, scopes: tuple[str, ...]) -> Token:
        """Make a new grant."""
        self._last_id += 1
        token = Token(self._last_id, user_id, key.id, new_secret(), new_secret(), scopes, self._expiry(key))
        self._by_access[token.access] = token
        return token

    def refresh(self, refresh: str, key: DeveloperKey) -> Token | None:
        """Replace the access token of a grant; None if there is no such grant. The one of before is dead at once."""
        token = next((row for row in self._by_access.values() if (row.refresh, row.key_id) == (refresh, key.id)), None)
        if token is None or token.revoked or token.ended_at:
            return None
        return self._put(token, replace(token, access=new_secret(), expires_at=self._expiry(key)))

    def authenticate(self, access: str) -> Token:
        """Return the token that a request carries. Raises `CanvasError` for what is not, or no longer, one."""
        token = self._by_access.get(access)
        if token is None:
            raise invalid_token()
        if token.revoked:
            raise revoked_token()
        if token.ended_at:
            raise expired_token(stamp(token.ended_at) or "")
        if token.expires_at and token.expires_at <= self._clock.now():
            raise invalid_token()
        return token

    def covers(self, user_id: int, key: DeveloperKey, scopes: tuple[str, ...]) -> bool:
        """Whether the user has granted all of these scopes to the client before."""
        granted = [row for row in self._by_access.values() if (row.user_id, row.key_id) == (user_id, key.id)]
        return any(set(scopes) <= set(token.scopes) for token in granted if not token.revoked)

    def forget(self, condition: Callable[[Token], bool]) -> int:
        """Delete the tokens that meet a condition and return how many."""
        hit = [token for token in self._by_access.values() if condition(token)]
        for token in hit:
            del self._by_access[token.access]
        return len(hit)

    def affect(self, user_id: int, effect: TokenEffect) -> int:
        """Let something happen to all tokens of a user; return to how many."""
        now = self._clock.now()
        hit = [token for token in self._by_access.values() if token.user_id == user_id]
        for token in hit:
            match effect:
                case TokenEffect.EXPIRE:
                    self._put(token, replace(token, expires_at=now))
                case TokenEffect.EXPIRE_FOR_GOOD:
                    self._put(token, replace(token, ended_at=now))
                case TokenEffect.REVOKE:
                    self._put(token, replace(token, revoked=True))
                case TokenEffect.REFUSE_REFRESH:
                    self._put(token, replace(token, refresh=new_secret(), expires_at=now))
        return len(hit)

    def _put(self, before: Token, after: Token) -> Token:
        del self._by_access[before.access]
        self._by_access[after.access] = after
        return after

    def _expiry(self, key: DeveloperKey) -> datetime | None:
        return self._clock.now() + TOKEN_LIFE if key.auto_expire_tokens else None
