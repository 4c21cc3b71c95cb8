"""The simulator's own time, so that tokens expire and work becomes overdue without anybody waiting."""

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


class VirtualClock:
    """A clock that can be set and moved; it stands still unless it is `running`."""

    def __init__(self, moment: datetime, running: bool) -> None:
        self._moment = moment
        self._running = running
        self._since = time.monotonic()

    def now(self) -> datetime:
        """The present moment in UTC."""
        if not self._running:
            return self._moment
        return self._moment + timedelta(seconds=time.monotonic() - self._since)

    def set(self, moment: datetime) -> None:
        """Go to a moment. A moment without a zone is taken as UTC."""
        self._moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        self._since = time.monotonic()

    def advance(self, seconds: float) -> None:
        self.set(self.now() + timedelta(seconds=seconds))


def stamp(moment: datetime | None) -> str | None:
    """Write a moment as Canvas does: ISO 8601 in UTC with `Z`, without fractions."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def moment_of(text: str, zone: str, end_of_day: bool = False) -> datetime:
    """Read a filter's `YYYY-MM-DD` (a day in `zone`) or ISO 8601 moment. Raises `ValueError` on anything else."""
    if len(text) == len("2026-01-31"):
        day = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
        return (day + timedelta(days=1, seconds=-1) if end_of_day else day).astimezone(UTC)
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
