"""Calls people without the database: from contacts read while it answered, over the same channels.

Used when a message that pages cannot be stored. The message itself waits in the spool; when it is replayed, its case calls
people again in the ordinary way, so a direct call may be the first of two notices, never the only record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from core.errors import Unavailable
from core.ids import CaseId, InstitutionId
from core.logs import get_logger
from db.access import Acting, Database, Role
from safety.policy import Tier, load_policy
from tools.care.cases import SERVICE
from tools.care.channels import Channel, NotSent, Recipient
from tools.care.notices import Notice
from tools.care.staffing import has_line

log = get_logger("care.direct")
REFRESH_SECONDS = 60.0


class DirectCall:
    """The contacts of every campus in memory, and the channels to reach them."""

    def __init__(self, channels: Mapping[str, Channel], public_url: str) -> None:
        self._channels, self._link = channels, f"{public_url.rstrip('/')}/console"
        self._campuses: dict[InstitutionId, dict[str, Any]] = {}

    async def learn(self, db: Database) -> int:
        """Read the contacts of every campus; what was known stays when the database does not answer.

        Returns how many campuses are known.
        """
        try:
            async with db.connection() as conn:
                served = await (await conn.execute("select institution_id from institutions_served()")).fetchall()
            found: dict[InstitutionId, dict[str, Any]] = {}
            for (institution,) in served:
                async with db.acting(Acting(InstitutionId(institution), SERVICE, Role.STUDENT)) as tx:
                    row = await (await tx.conn.execute("select settings from institutions")).fetchone()
                if row is not None:
                    found[InstitutionId(institution)] = row[0]
            self._campuses = found
        except Unavailable:
            log.warning("contacts_not_refreshed")
        return len(self._campuses)

    async def keep_learning(self, db: Database) -> None:
        """Refresh the contacts for as long as the process lives."""
        while True:
            await self.learn(db)
            await asyncio.sleep(REFRESH_SECONDS)

    async def call(
        self, institution: InstitutionId, tier: Tier, about: UUID, *, at: datetime, confidential: bool = False
    ) -> tuple[str, ...]:
        """Tell the people of a campus that somebody needs them now; returns the channels that accepted it.

        `about` is the spooled message's id: the receiver gets the same key however often this is tried.
        """
        if not tier.pages:
            return ()
        recipients = self._recipients(institution, confidential=confidential)
        notice = Notice(
            delivery=about,
            case=CaseId(about),
            institution=institution,
            tier=tier,
            rung="direct",
            reason="database_down",
            committed_at=at,
            link=self._link,
            confidential=confidential,
        )
        names = [name for name in load_policy().tiers[tier].channels if name in self._channels]
        sent = await asyncio.gather(*(self._send(name, notice, recipients) for name in names))
        return tuple(name for name, accepted in zip(names, sent, strict=True) if accepted)

    def _recipients(self, institution: InstitutionId, *, confidential: bool) -> list[Recipient]:
        campus = self._campuses.get(institution, {})
        address = campus.get("confidential_email" if confidential else "escalation_email")
        phone = None if confidential else campus.get("escalation_phone")
        found = [Recipient("campus", email=address, phone=phone)] if address or phone else []
        if has_line(campus):
            line = campus["line_24_7"]
            found.append(Recipient("line_24_7", email=line.get("email"), phone=line.get("phone")))
        return found

    async def _send(self, name: str, notice: Notice, recipients: list[Recipient]) -> bool:
        channel = self._channels[name]
        if not channel.configured:
            return False
        to = [Recipient("campus")] if name == "webhook" else [entry for entry in recipients if channel.reaches(entry)]
        accepted = await asyncio.gather(*(self._accepted(channel, notice, entry) for entry in to))
        return any(accepted)

    async def _accepted(self, channel: Channel, notice: Notice, to: Recipient) -> bool:
        try:
            await channel.send(notice, to)
        except NotSent as error:
            log.error("direct_call_not_sent", error=error.code)
            return False
        return True
