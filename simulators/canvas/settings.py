"""What can be switched on a simulated Canvas, and everything it consists of while it runs."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import Field

from simulators.canvas.faults import CanvasFault
from simulators.canvas.oauth import OAuthServer
from simulators.canvas.throttle import Throttle, ThrottleSettings
from simulators.canvas.world import World
from simulators.control import Control, Strict


class Behaviour(Strict):
    """Switches in which one Canvas differs from another.

    `api_auth_error_updates`: missing permission is 403, not 401. `send_429`: throttling is 429, not 403.
    `string_ids`: ids are written as strings for clients that accept them so. `old_planner_shape`: planner items hold
    the whole assignment, by `name`. `no_redirect_on_oauth_token_method`: token errors are never a 302. `latency_ms`:
    how long each request is in flight, which is what lets many at once fill the throttle.
    """

    api_auth_error_updates: bool = False
    send_429: bool = True
    string_ids: bool = True
    old_planner_shape: bool = False
    no_redirect_on_oauth_token_method: bool = False
    latency_ms: float = Field(0, ge=0)
    throttle: ThrottleSettings = Field(default_factory=ThrottleSettings)


@dataclass(frozen=True)
class Canvas:
    """The parts of a running simulator that its routes need.

    `sessions` are the browsers that signed in: cookie to user. `upcoming` is Canvas's short-lived cache of the events
    to come: user to the moment they were listed and the list.
    """

    world: World
    oauth: OAuthServer
    control: Control[Behaviour, CanvasFault]
    throttle: Throttle
    sessions: dict[str, int] = field(default_factory=dict)
    upcoming: dict[int, tuple[datetime, list[dict[str, Any]]]] = field(default_factory=dict)
