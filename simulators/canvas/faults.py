"""What can go wrong with a Canvas: on the way to the client, or in its data between two requests."""

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from simulators.canvas.oauth import OAuthServer
from simulators.canvas.tokens import TokenEffect
from simulators.canvas.world import World
from simulators.control import Fault, Strict

FOREIGN_HOST = "https://canvas.elsewhere.example"


class FaultKind(StrEnum):
    """`change` changes the world before the request is answered; the others concern the answer."""

    THROTTLED_429 = "throttled_429"
    THROTTLED_403 = "throttled_403"
    SERVER_ERROR = "server_error"
    BAD_GATEWAY = "bad_gateway"
    TIMEOUT = "timeout"
    SLOW_BODY = "slow_body"
    TRUNCATED_JSON = "truncated_json"
    DROPPED_LINK = "dropped_link"
    FOREIGN_NEXT = "foreign_next"
    LOWER_CASE_HEADERS = "lower_case_headers"
    DUPLICATE_ROW = "duplicate_row"
    CLOCK_SKEW = "clock_skew"
    CHANGE = "change"


class RowChange(Strict):
    """Changes the rows of a table that match `where`."""

    op: Literal["change"]
    table: str
    where: dict[str, Any]
    values: dict[str, Any]


class RowAddition(Strict):
    op: Literal["add"]
    table: str
    values: dict[str, Any]


class RowRemoval(Strict):
    op: Literal["remove"]
    table: str
    where: dict[str, Any]


class TokenChange(Strict):
    """Expires, revokes or otherwise ends a student's tokens."""

    op: Literal["tokens"]
    user_id: int
    effect: TokenEffect


class ScopeRemoval(Strict):
    """Takes a scope from a developer key, which ends all of the key's tokens."""

    op: Literal["remove_scope"]
    key_id: int
    scope: str


class ClockChange(Strict):
    """Sets the clock to `now`, moves it by `seconds`, or both in this order."""

    op: Literal["clock"]
    now: datetime | None = None
    seconds: float = 0


Change = Annotated[
    RowChange | RowAddition | RowRemoval | TokenChange | ScopeRemoval | ClockChange, Field(discriminator="op")
]


class CanvasFault(Fault):
    """One fault of a Canvas.

    `path` is a regular expression searched in path and query; `after` is the number of such requests that pass first.
    `status` is that of `bad_gateway`; `seconds` that of `slow_body` and `clock_skew`; `changes` those of `change`.
    `foreign_next` sends the client to `FOREIGN_HOST`; `duplicate_row` repeats the last row of the page before.
    """

    kind: FaultKind
    path: str = ""
    after: int = Field(0, ge=0)
    status: Literal[502, 503, 504] = 502
    seconds: float = 1.0
    changes: list[Change] = Field(default_factory=list)

    def strikes(self, address: str) -> bool:
        """Whether the fault applies to a request; one that passes counts toward `after`."""
        if not re.search(self.path, address):
            return False
        if self.after:
            self.after -= 1
            return False
        return True


def apply(change: Change, world: World, oauth: OAuthServer) -> int:
    """Make a change and return how many rows it touched. Raises `KeyError` on an unknown table or key."""
    match change:
        case RowChange():
            return world.change(change.table, change.where, change.values)
        case RowAddition():
            world.add(change.table, change.values)
            return 1
        case RowRemoval():
            return world.remove(change.table, change.where)
        case TokenChange():
            return oauth.tokens.affect(change.user_id, change.effect)
        case ScopeRemoval():
            return oauth.remove_scope(change.key_id, change.scope)
        case ClockChange():
            if change.now is not None:
                world.clock.set(change.now)
            world.clock.advance(change.seconds)
            return 1
