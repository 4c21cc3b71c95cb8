"""A year's counts without persons: what California's SB 243 asks for, and what a campus may publish of itself.

No number can lead to somebody: counts below ten are shown only as that, the others to the nearest five, so that no
small one can be worked out from a sum. Nothing but counts leaves the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from core.errors import InvalidInput, NotFound
from safety.disclosure import law_for
from safety.policy import Tier

FEW = 10
STEP = 5
FIRST_YEAR, LAST_YEAR = 2020, 2999
PAGING = [tier.value for tier in Tier if tier.pages]

CAMPUSES = """
select id, name, region, time_zone from institutions where %(slug)s::text is null or slug = %(slug)s order by slug
"""
COUNTS = """
with span as (select make_timestamptz(%(year)s, 1, 1, 0, 0, 0, %(zone)s) as since,
                     make_timestamptz(%(year)s + 1, 1, 1, 0, 0, 0, %(zone)s) as until),
said as (select t.student_id, t.path from turns t join accounts a on a.id = t.student_id, span
         where t.institution_id = %(campus)s and not a.synthetic and t.created_at >= since and t.created_at < until),
cared as (select k.* from cases k, span where k.institution_id = %(campus)s and not k.synthetic
            and k.outcome is distinct from 'test' and k.opened_at >= since and k.opened_at < until),
called as (select 1 from case_events e join cases k on k.id = e.case_id, span
           where e.institution_id = %(campus)s and not k.synthetic and k.outcome is distinct from 'test'
             and e.kind = 'called' and e.facts ->> 'tier' = any(%(paging)s) and e.at >= since and e.at < until)
select 'students who used it', '', count(distinct student_id) from said
union all select 'messages', '', count(*) from said
union all select 'answers of the crisis script, each with the lines', '', count(*) from said where path in ('script', 'careful')
union all select 'cases opened', '', count(*) from cared
union all select 'calls for a person at once', '', count(*) from called
union all (select 'cases by matter', category, count(*) from cared group by category order by category)
union all (select 'cases by severity', severity, count(*) from cared group by severity order by severity)
union all (select 'cases by how fast a person is told', tier, count(*) from cared group by tier order by tier)
union all (select 'closed cases by outcome', outcome, count(*) from cared where outcome is not null
           group by outcome order by outcome)
"""


@dataclass(frozen=True, slots=True)
class Count:
    """One number as it may be published."""

    what: str
    kind: str
    """A category, severity, tier or outcome; empty for a total."""
    count: str


@dataclass(frozen=True, slots=True)
class CampusYear:
    """One campus's counts of one calendar year in its own time zone."""

    campus: str
    year: int
    owed: bool
    """The law where the campus is asks for these once a year."""
    counts: tuple[Count, ...]


def publishable(count: int) -> str:
    """Return a count as it may be published."""
    if count == 0:
        return "0"
    return f"fewer than {FEW}" if count < FEW else str(STEP * round(count / STEP))


def read_year(owner: psycopg.Connection[Any], year: int, slug: str | None = None) -> Sequence[CampusYear]:
    """Count a year over the owner's connection, for one campus or for all.

    Raises `NotFound` for a campus that does not exist and `InvalidInput` for a year that cannot be.
    """
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise InvalidInput(f"Give a year from {FIRST_YEAR} on.")
    campuses = owner.execute(CAMPUSES, {"slug": slug}).fetchall()
    if slug is not None and not campuses:
        raise NotFound(f"There is no campus '{slug}'.")
    return [_count(owner, year, *campus) for campus in campuses]


def _count(owner: psycopg.Connection[Any], year: int, campus: object, name: str, region: str, zone: str) -> CampusYear:
    found = owner.execute(COUNTS, {"campus": campus, "year": year, "zone": zone, "paging": PAGING}).fetchall()
    counts = tuple(Count(what, kind, publishable(count)) for what, kind, count in found)
    return CampusYear(name, year, law_for(region).yearly_report, counts)
