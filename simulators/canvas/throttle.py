"""Canvas's throttle: a leaky bucket a client, with a reservation for each request in flight.

With the figures of the contract, the twelfth request at once on a fresh token is refused, and the token endpoint allows
three requests in a burst and 183 an hour from one address.
"""

from dataclasses import dataclass, field

from pydantic import Field

from simulators.canvas.clock import VirtualClock
from simulators.control import Strict


class ThrottleSettings(Strict):
    """The four figures of the bucket, in its units of cost; `outflow` is per second. `on` False lets all pass."""

    on: bool = True
    maximum: float = 800
    high_water: float = 600
    outflow: float = Field(10, gt=0)
    up_front: float = 50
    token_request: float = 200


@dataclass
class _Bucket:
    level: float
    at: float


@dataclass
class Throttle:
    """The buckets of all clients, leaking by the simulator's own clock."""

    clock: VirtualClock
    _buckets: dict[str, _Bucket] = field(default_factory=dict)

    def reserve(self, client: str, settings: ThrottleSettings) -> bool:
        """Reserve for a request. False: the bucket is full, and nothing is reserved."""
        bucket = self._leak(client, settings)
        # Reaching the mark is already too much: the twelfth reservation of 50 comes to 600 and is refused.
        if settings.on and bucket.level + settings.up_front >= settings.high_water:
            return False
        bucket.level += settings.up_front
        return True

    def settle(self, client: str, cost: float, settings: ThrottleSettings) -> float:
        """Put the request's cost in the place of its reservation and return what remains below the mark."""
        bucket = self._leak(client, settings)
        bucket.level = min(settings.maximum, max(0.0, bucket.level - settings.up_front + cost))
        return max(0.0, settings.high_water - bucket.level)

    def clear(self) -> None:
        self._buckets.clear()

    def _leak(self, client: str, settings: ThrottleSettings) -> _Bucket:
        now = self.clock.now().timestamp()
        bucket = self._buckets.setdefault(client, _Bucket(0.0, now))
        bucket.level = max(0.0, bucket.level - settings.outflow * max(0.0, now - bucket.at))
        bucket.at = now
        return bucket
