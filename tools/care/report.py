"""What a supervisor governs alarms by: pages per shift, response times, predictive value per rule.

Counts only, no student. Only 'misread' is a false alarm; synthetic cases and outcomes of tests count nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.errors import InvalidInput
from db.access import Tx
from tools.people.people import require_staff

DEFAULT_SPAN = timedelta(days=30)
PAGING = ("page_now", "page_all")

RESPONSES = """
select count(*), count(*) filter (where tier = any(%(paging)s)),
       percentile_cont(0.5) within group (order by extract(epoch from claim.at - opened_at)),
       percentile_cont(0.9) within group (order by extract(epoch from claim.at - opened_at)),
       count(*) filter (where due_at is not null and coalesce(claim.at, %(at)s) > due_at),
       count(*) filter (where status = 'closed'), count(*) filter (where outcome = 'misread')
from cases c
left join lateral (select min(e.at) as at from case_events e where e.case_id = c.id and e.kind = 'claimed') claim on true
where opened_at >= %(since)s and opened_at < %(until)s and not synthetic and outcome is distinct from 'test'
"""
SHIFTS = """
select date_trunc('day', e.at at time zone i.time_zone)::date::text,
       case when extract(hour from e.at at time zone i.time_zone) < 8 then 'night'
            when extract(hour from e.at at time zone i.time_zone) < 16 then 'day' else 'evening' end, count(*)
from case_events e join cases c on c.id = e.case_id join institutions i on i.id = e.institution_id
where e.kind = 'called' and e.facts ->> 'tier' = any(%(paging)s) and e.at >= %(since)s and e.at < %(until)s
  and not c.synthetic and c.outcome is distinct from 'test'
group by 1, 2 order by 1, 2
"""
RULES = """
select r.layer, r.rule, count(*), count(*) filter (where c.outcome = 'misread')
from case_rules r join cases c on c.id = r.case_id
where c.status = 'closed' and c.closed_at >= %(since)s and c.closed_at < %(until)s and not c.synthetic
  and c.outcome not in ('test', 'duplicate')
group by 1, 2 order by 3 desc, 1, 2
"""
OUTCOMES = """
select outcome, count(*) from cases where status = 'closed' and closed_at >= %(since)s and closed_at < %(until)s
  and not synthetic and outcome <> 'test' group by 1 order by 2 desc, 1
"""


@dataclass(frozen=True, slots=True)
class Shift:
    """How often people were called in eight hours of the institution's own clock."""

    date: str
    part: str
    """`night` 0-8, `day` 8-16, `evening` 16-24."""
    pages: int


@dataclass(frozen=True, slots=True)
class RuleValue:
    """How often a rule that spoke was right, over closed cases."""

    layer: str
    rule: str
    cases: int
    misread: int
    predictive_value: float
    """Share of its cases that were no misread, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of a span of time."""

    since: datetime
    until: datetime
    cases: int
    pages: int
    claimed_median_seconds: float | None
    claimed_p90_seconds: float | None
    late: int
    """Cases claimed after they were due, or still waiting then."""
    closed: int
    misread: int
    outcomes: dict[str, int]
    shifts: tuple[Shift, ...]
    rules: tuple[RuleValue, ...]


async def read_report(tx: Tx, *, since: datetime | None, until: datetime | None, at: datetime) -> Report:
    """Return the figures of a span, the last thirty days by default; raises `InvalidInput` for an empty span."""
    require_staff(tx)
    until = until or at
    since = since or until - DEFAULT_SPAN
    if since >= until:
        raise InvalidInput("The span must begin before it ends.")
    span = {"since": since, "until": until, "at": at, "paging": list(PAGING)}
    row = await (await tx.conn.execute(RESPONSES, span)).fetchone()
    cases, pages, median, p90, late, closed, misread = row or (0, 0, None, None, 0, 0, 0)
    return Report(
        since=since,
        until=until,
        cases=cases,
        pages=pages,
        claimed_median_seconds=median,
        claimed_p90_seconds=p90,
        late=late,
        closed=closed,
        misread=misread,
        outcomes=dict(await (await tx.conn.execute(OUTCOMES, span)).fetchall()),
        shifts=tuple(Shift(*entry) for entry in await (await tx.conn.execute(SHIFTS, span)).fetchall()),
        rules=tuple(
            RuleValue(layer, rule, count, wrong, round(1 - wrong / count, 4))
            for layer, rule, count, wrong in await (await tx.conn.execute(RULES, span)).fetchall()
        ),
    )
