"""What a supervisor governs alarms by: pages per shift, response times, predictive value per rule.

Counts only, no student. Only 'misread' is a false alarm; synthetic cases and outcomes of tests count nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import class_row

from core.errors import InvalidInput
from core.proportion import wilson
from db.access import Tx
from safety.policy import Tier
from tools.people.people import require_staff

DEFAULT_SPAN = timedelta(days=30)
PAGING = [tier.value for tier in Tier if tier.pages]
SHIFTS_A_DAY = 3
FEW = 10
"""Below this many cases a share says little; the report says so."""

CASES = """
select count(*), count(*) filter (where c.tier = any(%(paging)s)),
       count(*) filter (where c.due_at is not null and coalesce(claim.at, %(at)s) > c.due_at),
       count(*) filter (where c.status = 'closed'), count(*) filter (where c.outcome = 'misread'),
       (select count(*) from case_events e join cases k on k.id = e.case_id where e.kind = 'example_kept'
        and e.facts ->> 'kind' = 'miss' and e.at >= %(since)s and e.at < %(until)s and not k.synthetic)
from cases c
left join lateral (select min(e.at) as at from case_events e where e.case_id = c.id
                   and e.kind in ('claimed', 'taken_over')) claim on true
where c.opened_at >= %(since)s and c.opened_at < %(until)s and not c.synthetic and c.outcome is distinct from 'test'
"""
RESPONSES = """
with timed as (
  select c.tier, (select min(d.sent_at) from deliveries d where d.case_id = c.id) as sent,
         (select min(e.at) from case_events e where e.case_id = c.id and e.kind = 'looked') as opened,
         (select min(e.at) from case_events e where e.case_id = c.id and e.kind in ('claimed', 'taken_over')) as claimed,
         (select min(e.at) from case_events e where e.case_id = c.id and e.kind = 'joined') as replied
  from cases c where c.opened_at >= %(since)s and c.opened_at < %(until)s and not c.synthetic and c.outcome is distinct from 'test' and c.tier <> 'none'),
waits as (
  select tier, unnest(array['opened', 'claimed', 'replied', 'sent_to_replied']) as step,
         unnest(array[opened - sent, claimed - sent, replied - opened, replied - sent]) as wait from timed)
select tier, step, count(*) as cases, count(wait) as happened,
       percentile_cont(0.5) within group (order by greatest(extract(epoch from wait), 0))
         filter (where wait is not null) as median_seconds,
       percentile_cont(0.9) within group (order by greatest(extract(epoch from wait), 0))
         filter (where wait is not null) as p90_seconds
from waits group by tier, step
"""
SHIFTS = """
select date_trunc('day', e.at at time zone i.time_zone)::date::text as date,
       case when extract(hour from e.at at time zone i.time_zone) < 8 then 'night'
            when extract(hour from e.at at time zone i.time_zone) < 16 then 'day' else 'evening' end as part,
       count(*) as pages
from case_events e join cases c on c.id = e.case_id join institutions i on i.id = e.institution_id
where e.kind = 'called' and e.facts ->> 'tier' = any(%(paging)s) and e.at >= %(since)s and e.at < %(until)s and not c.synthetic and c.outcome is distinct from 'test'
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
NOW = """
select count(*), count(*) filter (where claimed_by is null),
       count(*) filter (where (acknowledged_at is null and due_at < %(at)s) or follow_up_at < %(at)s)
from cases where status <> 'closed'
"""


@dataclass(frozen=True, slots=True)
class Counters:
    """The queue at this moment."""

    open: int
    unassigned: int
    overdue: int


@dataclass(frozen=True, slots=True)
class Response:
    """How long one step took over the cases of a tier."""

    tier: str
    step: str
    """`opened` and `claimed` count from when it was sent, `replied` from when it was opened, `sent_to_replied` whole."""
    cases: int
    happened: int
    """In how many of them it happened at all: the times are of these alone."""
    median_seconds: float | None
    p90_seconds: float | None


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
    low: float
    high: float
    """Its 95 % Wilson interval."""

    @property
    def few(self) -> bool:
        """Whether there are too few cases to say much."""
        return self.cases < FEW


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of a span of time, and the queue now."""

    since: datetime
    until: datetime
    now: Counters
    cases: int
    pages: int
    late: int
    """Cases claimed after they were due, or still waiting then."""
    closed: int
    misread: int
    misses: int
    """Messages that counselors reported as missed, with the student's consent."""
    outcomes: dict[str, int]
    responses: tuple[Response, ...]
    pages_per_shift: float
    """Over every shift of the span, those without a page included."""
    most_pages: int
    shifts: tuple[Shift, ...]
    """Those in which people were called."""
    rules: tuple[RuleValue, ...]


async def read_report(tx: Tx, *, since: datetime | None, until: datetime | None, at: datetime) -> Report:
    """Return the figures of a span, the last thirty days by default; raises `InvalidInput` for an empty span."""
    require_staff(tx)
    until = until or at
    since = since or until - DEFAULT_SPAN
    if since >= until:
        raise InvalidInput("The span must begin before it ends.")
    span = {"since": since, "until": until, "at": at, "paging": PAGING}
    row = await (await tx.conn.execute(CASES, span)).fetchone()
    cases, pages, late, closed, misread, misses = row or (0, 0, 0, 0, 0, 0)
    shifts = tuple(Shift(*entry) for entry in await (await tx.conn.execute(SHIFTS, span)).fetchall())
    all_shifts = max(1, round((until - since) / timedelta(days=1) * SHIFTS_A_DAY))
    return Report(
        since=since,
        until=until,
        now=await read_counters(tx, at=at),
        cases=cases,
        pages=pages,
        late=late,
        closed=closed,
        misread=misread,
        misses=misses,
        outcomes=dict(await (await tx.conn.execute(OUTCOMES, span)).fetchall()),
        responses=await _responses(tx, span),
        pages_per_shift=round(sum(shift.pages for shift in shifts) / all_shifts, 3),
        most_pages=max((shift.pages for shift in shifts), default=0),
        shifts=shifts,
        rules=tuple(_value(*entry) for entry in await (await tx.conn.execute(RULES, span)).fetchall()),
    )


async def read_counters(tx: Tx, *, at: datetime) -> Counters:
    """Return how many cases are open, unassigned and overdue, of those the acting member of staff may see."""
    require_staff(tx)
    row = await (await tx.conn.execute(NOW, {"at": at})).fetchone()
    return Counters(*row) if row else Counters(0, 0, 0)


async def _responses(tx: Tx, span: dict[str, object]) -> tuple[Response, ...]:
    async with tx.conn.cursor(row_factory=class_row(Response)) as cursor:
        found = await (await cursor.execute(RESPONSES, span)).fetchall()
    steps = ("opened", "claimed", "replied", "sent_to_replied")
    return tuple(sorted(found, key=lambda entry: (-Tier(entry.tier).rank, steps.index(entry.step))))


def _value(layer: str, rule: str, cases: int, misread: int) -> RuleValue:
    low, high = wilson(cases - misread, cases)
    return RuleValue(layer, rule, cases, misread, round(1 - misread / cases, 4), round(low, 4), round(high, 4))
