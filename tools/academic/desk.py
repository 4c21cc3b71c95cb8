"""One look at a student's studies: what is known, what comes first, how full the week is, the plan."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from db.access import Acting, Database, Tx
from tools.academic.freetime import Span
from tools.academic.items import Academic
from tools.academic.known import EVERYTHING, Scope, read_academic, read_busy
from tools.academic.plan import StudyPlan, make_plan
from tools.academic.pressure import Pressure, pressure
from tools.academic.priority import Ranked, rank
from tools.academic.study import Week, read_week
from tools.people.keys import student_key

PLAN_DAYS = 7


@dataclass(frozen=True)
class Look:
    """What was read in one transaction; everything else follows from it when it is asked for."""

    known: Academic
    week: Week
    busy: tuple[Span, ...]
    days: int

    @cached_property
    def ranked(self) -> list[Ranked]:
        """Open work, what comes first first."""
        return rank(self.known.items, self.known.now, self.week.times.usual_day)

    @cached_property
    def pressure(self) -> Pressure:
        """How full the week is."""
        return pressure(self.known, self.week)

    @cached_property
    def plan(self) -> StudyPlan:
        """The next days."""
        return make_plan(self.ranked, self.week, self.busy, self.known.now, self.known.zone, self.days)


async def look(db: Database, who: Acting, now: datetime, *, days: int = PLAN_DAYS) -> Look:
    """Read everything of the acting student's."""
    async with db.acting(who) as tx:
        return await look_in(tx, now, days=days)


async def look_in(tx: Tx, now: datetime, *, days: int = PLAN_DAYS, scope: Scope = EVERYTHING) -> Look:
    """As `look`, in an open transaction, of what `scope` names."""
    key = await student_key(tx)
    known = await read_academic(tx, key, now, scope)
    busy = await read_busy(tx, key, now, days) if known.courses else []
    return Look(known, await read_week(tx, key), tuple(busy), days)
