"""Calls people without the database: from contacts read while it answered, over the same channels.

Used when a message that pages cannot be stored. The message itself waits in the spool, and every attempt is kept beside
it; at the replay they become facts of the case.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.clock import Clock
from core.ids import CaseId, InstitutionId
from core.logs import get_logger
from safety.policy import Tier, load_policy
from tools.care.channels import NOT_CONFIGURED, Channel, NotSent, Recipient
from tools.care.contacts import Contacts
from tools.care.ladder import TO_ANYBODY
from tools.care.notices import Notice

log = get_logger("care.direct")
DIRECT = "direct"
"""The rung of a call that was made without the database."""
NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of one attempt to reach one recipient by one channel."""

    channel: str
    recipient: str
    """`campus`, `confidential`, `alert_system`, `line_24_7`, or `nobody` where there was none to try."""
    accepted: bool
    error: str | None
    """Short code; None when it was accepted."""
    final: bool
    """Nothing is gained by trying this way again."""
    at: datetime

    @property
    def way(self) -> tuple[str, str]:
        """Channel and recipient."""
        return self.channel, self.recipient


@dataclass(frozen=True, slots=True)
class Alert:
    """What people are called about: no name, no words."""

    id: UUID
    """The receiver gets the same key however often this is tried."""
    institution: InstitutionId
    tier: Tier
    confidential: bool
    at: datetime


Told = Callable[[Attempt], Awaitable[None]]


class DirectCall:
    """The contacts, and the channels to reach them."""

    def __init__(self, contacts: Contacts, channels: Mapping[str, Channel], public_url: str, clock: Clock) -> None:
        self._contacts, self._channels, self._clock = contacts, channels, clock
        self._link = f"{public_url.rstrip('/')}/console"

    async def call(self, alert: Alert, told: Told, *, done: Collection[tuple[str, str]] = ()) -> list[Attempt]:
        """Tell the people of a campus that somebody needs them now, all ways at once; returns every attempt.

        `told` hears of each attempt as soon as it ended; ways that are `done` are left out. A tier that does not page
        calls nobody.
        """
        if not alert.tier.pages:
            return []
        names = [name for name in load_policy().tiers[alert.tier].channels if name in self._channels]
        ways = [(name, to) for name in names for to in self._reached_by(name, alert)]
        open_ways = [(name, to) for name, to in ways if (name, to.label if to else NOBODY) not in done]
        return list(await asyncio.gather(*(self._try(name, to, alert, told) for name, to in open_ways)))

    def _reached_by(self, name: str, alert: Alert) -> list[Recipient | None]:
        """Whom a channel reaches; None stands for nobody, which is recorded as well."""
        channel = self._channels[name]
        if alert.confidential and name in TO_ANYBODY:
            return []
        if not channel.configured:
            return [None]
        if name == "webhook":
            return [Recipient("alert_system")]
        found = self._contacts.recipients(alert.institution, confidential=alert.confidential)
        return [to for to in found if channel.reaches(to)] or [None]

    async def _try(self, name: str, to: Recipient | None, alert: Alert, told: Told) -> Attempt:
        error = await self._send(name, to, alert)
        label = to.label if to is not None else NOBODY
        code, final = (error.code, error.final) if error else (None, True)
        attempt = Attempt(name, label, error is None, code, final, self._clock.now())
        await told(attempt)
        return attempt

    async def _send(self, name: str, to: Recipient | None, alert: Alert) -> NotSent | None:
        channel = self._channels[name]
        if to is None:
            return NotSent("no_address" if channel.configured else NOT_CONFIGURED, final=True)
        notice = Notice(
            delivery=alert.id,
            case=CaseId(alert.id),
            institution=alert.institution,
            tier=alert.tier,
            rung=DIRECT,
            reason="database_down",
            committed_at=alert.at,
            link=self._link,
            confidential=alert.confidential,
        )
        try:
            await channel.send(notice, to)
        except NotSent as error:
            log.error("direct_call_not_sent", channel=name, error=error.code)
            return error
        log.info("direct_call_sent", channel=name)
        return None
