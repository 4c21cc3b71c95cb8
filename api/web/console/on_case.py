"""What every page and act on one case shares: who asks, the page itself, what is new on it, an act and what follows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request, Response

from api.deps import PartsDep
from api.parts import Parts
from api.web.console.story import story
from api.web.console.words import button_words, console_words
from api.web.forms import choices
from api.web.rendering import go, render, unchanged
from api.web.session import PageStaff
from core.errors import CompanionError
from core.ids import CaseId
from db.access import Acting, Tx
from safety.types import Severity
from tools.care.dossier import Dossier, Quote, open_dossier
from tools.care.dossier.standing import Standing, newer_messages, read_standing
from tools.care.outcomes import Outcome
from tools.care.queue import Colleague, colleagues
from tools.people.people import read_profile

Act = Callable[[Tx], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class OnCase:
    """A member of staff at one case."""

    request: Request
    case: CaseId
    who: Acting
    parts: Parts

    @property
    def now(self) -> datetime:
        return self.parts.clock.now()

    async def do(self, act: Act, *, then: str = "", draft: str = "") -> Response:
        """Do something to the case and show it again; what is refused is said on the page, and typed words stay."""
        try:
            async with self.parts.db.acting(self.who) as tx:
                await act(tx)
        except CompanionError as error:
            return await self.page(trouble=error.message, draft=draft, status=error.status)
        return go(self.request, then or f"/console/cases/{self.case}")

    async def page(self, *, trouble: str = "", draft: str = "", status: int = 200, opener: bool = False) -> Response:
        """The case laid out for the first sixty seconds; opening it is a stored fact."""
        now = self.now
        async with self.parts.db.acting(self.who) as tx:
            dossier = await open_dossier(tx, self.case, at=now)
            last = dossier.quotes[-1].id if dossier.quotes else None
            quotes = (*dossier.quotes, *await newer_messages(tx, self.case, last, at=now))
            shared = await self._shared(tx, await read_standing(tx, self.case, at=now), quotes, now)
        stories = [story(entry, shared["zone"], now) for entry in dossier.history]
        return render(
            self.request,
            "case.html",
            status,
            dossier=dossier,
            stories=stories,
            gaps=_gaps(dossier),
            regions=choices().regions,
            trouble=trouble,
            draft=draft or (dossier.opener if opener else ""),
            **shared,
        )

    async def news(self, after: UUID | None, seen: str) -> Response:
        """What changed while the page is open; nothing when nothing did."""
        now = self.now
        async with self.parts.db.acting(self.who) as tx:
            stands = await read_standing(tx, self.case, at=now)
            # Once it is closed, the words are the student's alone again; the page that is still open says so.
            fresh = [] if stands.case.closed else await newer_messages(tx, self.case, after, at=now)
            shared = await self._shared(tx, stands, fresh, now)
        acts, _, strip = seen.partition(".")
        if not fresh and (acts, strip) == (stands.acts, stands.strip):
            return unchanged(self.request)
        shared["last"] = fresh[-1].id if fresh else after
        return render(self.request, "parts/case_news.html", changed=stands.acts != acts, **shared)

    async def shown(self, tx: Tx) -> dict[str, Any]:
        """What the smaller pages of a case need."""
        zone = (await read_profile(tx, self.who.account_id)).time_zone
        return {"case_id": self.case, "words": console_words(), "zone": zone, "now": self.now}

    async def _shared(self, tx: Tx, stands: Standing, quotes: Sequence[Quote], now: datetime) -> dict[str, Any]:
        zone = (await read_profile(tx, self.who.account_id)).time_zone
        others: list[Colleague] = []
        if stands.mine:
            others = await colleagues(tx, confidential=stands.case.confidential)
        return {
            "stands": stands,
            "case": stands.case,
            "quotes": quotes,
            "last": quotes[-1].id if quotes else None,
            "colleagues": others,
            "severities": list(Severity)[1:],
            "outcomes": list(Outcome),
            "words": console_words(),
            "buttons": button_words(),
            "zone": zone,
            "now": now,
        }


def _gaps(dossier: Dossier) -> frozenset[UUID]:
    """Messages before which turns are left out."""
    pairs = zip(dossier.quotes, dossier.quotes[1:], strict=False)
    return frozenset(after.id for before, after in pairs if after.turn > before.turn + 1)


def on_case(request: Request, case_id: UUID, who: PageStaff, parts: PartsDep) -> OnCase:
    """Who asks about which case; raises `NotAuthenticated`, `NotAllowed`."""
    return OnCase(request, CaseId(case_id), who, parts)


OnCaseDep = Annotated[OnCase, Depends(on_case)]
