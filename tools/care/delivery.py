"""The worker's jobs of care: deliver, climb the ladder, recover what stalled, show a sign of life.

Jobs carry ids only. A job that fails is tried again until it decides otherwise itself; one whose worker died is taken
over as soon as its sign of life is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Status
from procrastinate.utils import AwaitableContext, utcnow

from core.clock import Clock, SystemClock
from core.ids import CaseId
from core.logs import get_logger
from core.settings import Settings
from safety.policy import Tier
from tools.care.alarm import tell_operator
from tools.care.desk import Backoff, Desk, open_desk
from tools.care.ladder import climb
from tools.care.reach import check_every_campus, check_responders
from tools.care.sending import deliver

log = get_logger("care.delivery")
OURS = ("deliver", "climb", "second_look")
"""Jobs that nothing may end but themselves."""
EVERY_TEN_SECONDS, EVERY_MINUTE = "* * * * * */10", "* * * * *"
HEARTBEAT_SECONDS = 3.0
STALLED_AFTER_SECONDS = 12.0
LONGEST_JOB_SECONDS = 120
"""A job of ours that runs longer lost its way back to the queue: it is taken up again."""
LOST = """
select j.id from procrastinate_jobs j where j.task_name = any(%(tasks)s) and (j.status = 'failed' or (j.status = 'doing'
  and (select max(e.at) from procrastinate_events e where e.job_id = j.id and e.type = 'started')
      < now() - make_interval(secs => %(seconds)s)))
"""
AddTasks = Callable[["WorkerApp"], None]


class WorkerApp(App):
    """The queue as the worker sees it: with a desk that is open as long as the queue is."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        connector = PsycopgConnector(conninfo=settings.worker_dsn.get_secret_value(), min_size=1, max_size=6)
        super().__init__(
            connector=connector,
            worker_defaults={
                "update_heartbeat_interval": HEARTBEAT_SECONDS,
                "stalled_worker_timeout": STALLED_AFTER_SECONDS,
            },
        )
        self._settings, self._clock = settings, clock
        self._stack = AsyncExitStack()
        self._desk: Desk | None = None

    @property
    def desk(self) -> Desk:
        """What jobs use; raises `RuntimeError` before the app is open."""
        if self._desk is None:
            raise RuntimeError("The worker's desk is not open.")
        return self._desk

    def open_async(self, pool: Any = None) -> AwaitableContext[App]:
        """Open queue and desk together."""

        async def open_both() -> None:
            await self.connector.open_async(pool)
            self._desk = await self._stack.enter_async_context(open_desk(self._settings, self._clock, self))

        return AwaitableContext(open_coro=open_both, close_coro=self.close_async, return_value=self)

    async def close_async(self) -> None:
        """Give everything back."""
        self._desk = None
        await self._stack.aclose()
        await self.connector.close_async()


def worker_app(settings: Settings, *more: AddTasks, clock: Clock | None = None) -> WorkerApp:
    """Return the worker's app with the jobs of care and whatever tasks `more` add."""
    app = WorkerApp(settings, clock or SystemClock())
    for add in (add_tasks, *more):
        add(app)
    return app


def add_tasks(app: WorkerApp) -> None:
    """Register the jobs of care."""

    @app.task(name="deliver", retry=Backoff(3))
    async def _deliver(institution: str, student: str, delivery: str) -> None:
        await deliver(app.desk, app.desk.acting(institution, student), UUID(delivery))

    @app.task(name="climb", retry=Backoff(2))
    async def _climb(institution: str, student: str, case: str, page: str, tier: str, index: int) -> None:
        desk = app.desk
        async with desk.db.acting(desk.acting(institution, student)) as tx:
            now = desk.clock.now()
            rung = await climb(tx, desk.jobs, CaseId(UUID(case)), UUID(page), Tier(tier), index, at=now)
        log.info("climbed", case=case, state=rung.value if rung else "acknowledged")

    @app.periodic(cron=EVERY_TEN_SECONDS)
    @app.task(name="beat", queueing_lock="beat")
    async def _beat(timestamp: int) -> None:  # the queue hands over when it was due
        await beat(app.desk)

    @app.periodic(cron=EVERY_MINUTE)
    @app.task(name="reach", queueing_lock="reach", lock="reach")
    async def _reach(timestamp: int) -> None:
        await check_every_campus(app.desk)

    @app.periodic(cron=EVERY_TEN_SECONDS)
    @app.task(name="recover", queueing_lock="recover")
    async def _recover(timestamp: int) -> None:
        await recover(app)
        await tell_operator(app.desk)

    @app.periodic(cron=EVERY_MINUTE)
    @app.task(name="responders", queueing_lock="responders")
    async def _responders(timestamp: int) -> None:
        await check_responders(app.desk)


async def beat(desk: Desk) -> None:
    """Store the worker's sign of life."""
    async with desk.db.connection() as conn:
        await conn.execute(
            "insert into heartbeats (part, at) values ('worker', %s) on conflict (part) do update set at = excluded.at",
            (desk.clock.now(),),
        )


async def recover(app: WorkerApp) -> int:
    """Put jobs back whose worker died, and jobs of ours that ended any other way than by themselves.

    A periodic job is not put back but ended: the next one is due anyway, and its locks must not hold that one up.
    Returns how many were put back.
    """
    stalled = list(await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_SECONDS))
    again = {job.id for job in stalled if job.id is not None and job.queueing_lock is None}
    for job in stalled:
        if job.id is not None and job.queueing_lock is not None:
            await app.job_manager.finish_job_by_id_async(job.id, Status.FAILED, delete_job=True)
    async with app.desk.db.connection() as conn:
        cursor = await conn.execute(LOST, {"tasks": list(OURS), "seconds": LONGEST_JOB_SECONDS})
        again |= {lost for (lost,) in await cursor.fetchall()}
    for job_id in again:
        try:
            await app.job_manager.retry_job_by_id_async(job_id, retry_at=utcnow())
        except ConnectorException:
            log.warning("job_not_recovered", job=job_id)  # It ended meanwhile, or the next sweep finds it again.
    if again:
        log.warning("jobs_recovered", count=len(again))
    return len(again)
