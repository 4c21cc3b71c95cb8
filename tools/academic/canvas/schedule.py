"""When students are synced: each at a turn of their own, a few lanes at a time, behind everything that cannot wait.

A sweep takes the students whose turn has come and hands each to the queue with the id alone. Jobs of one lane run one
after another over all workers, so that Canvas never takes the places of the deliveries of a crisis.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from procrastinate import App
from procrastinate.exceptions import AlreadyEnqueued

from core.errors import Unavailable
from core.ids import InstitutionId, StudentId
from core.logs import get_logger
from db.access import Acting, Connection, Role
from db.jobs import BEHIND
from tools.academic.canvas.config import CanvasConfig, load_figures
from tools.academic.canvas.connections import after_failure, keep_connection, read_connection
from tools.academic.canvas.desk import CanvasDesk, canvas_over
from tools.academic.canvas.failures import CanvasFailure
from tools.academic.canvas.sync import sync
from tools.care.cases import SERVICE
from tools.care.delivery import WorkerApp

log = get_logger("canvas.schedule")
TASK = "canvas_sync"


async def hand_over(app: App, conn: Connection, config: CanvasConfig, institution: UUID, student: UUID) -> bool:
    """Put a student's sync in the queue, in the open transaction; False when it waits there already."""
    lane = student.int % config.lanes
    task = app.configure_task(
        TASK, connection=conn, queueing_lock=f"{TASK}:{student}", lock=f"{TASK}:lane:{lane}", priority=BEHIND
    )
    try:
        async with conn.transaction():
            await task.defer_async(institution=str(institution), student=str(student))
    except AlreadyEnqueued:
        return False
    return True


async def sweep(app: App, desk: CanvasDesk) -> int:
    """Hand everybody whose turn has come to the queue; returns how many."""
    cycle, now = load_figures()["cycle"], desk.clock.now()
    until = now + timedelta(minutes=cycle["claim_minutes"])
    async with desk.db.connection() as conn, conn.transaction():
        cursor = await conn.execute("select * from canvas_claim(%s, %s, %s)", (now, until, cycle["at_most"]))
        due = await cursor.fetchall()
        return sum([await hand_over(app, conn, desk.config, institution, student) for student, institution in due])


async def sync_one(desk: CanvasDesk, institution: str, student: str) -> str | None:
    """Sync one student; whatever happens stays with this student. Returns the state of the connection."""
    who = Acting(InstitutionId(UUID(institution)), SERVICE, Role.STUDENT, StudentId(UUID(student)))
    try:
        return await sync(desk, who)
    except Unavailable:
        log.warning("canvas_sync_without_database", student=student)
        return None  # The claim ends by itself, and the next sweep takes the student again.
    except Exception as error:  # one student's data must not stop the queue for the others
        log.error("canvas_sync_broke", student=student, error=type(error).__name__, exc_info=error)
    async with desk.db.acting(who) as tx:
        connection = await read_connection(tx)
        if connection is None:
            return None
        failed = after_failure(connection, CanvasFailure("unexpected"), UUID(student), desk.clock.now())
        await keep_connection(tx, replace(failed, state="trouble"))
    return "trouble"


def add_canvas(app: WorkerApp) -> None:
    """Register the sweep and the sync. All jobs of the worker share one desk, so that what Canvas allows is counted once."""
    opened: list[CanvasDesk] = []

    def canvas() -> CanvasDesk | None:
        config = CanvasConfig.of(app.desk.settings)
        if config is None:
            return None
        if not opened or opened[0].http is not app.desk.http:
            opened[:] = [canvas_over(config, app.desk.db, app.desk.clock, app.desk.http)]
        return opened[0]

    @app.periodic(cron="* * * * *")
    @app.task(name="canvas_sweep", queueing_lock="canvas_sweep", lock="canvas_sweep")
    async def _sweep(timestamp: int) -> None:
        desk = canvas()
        if desk is not None:
            await sweep(app, desk)

    @app.task(name=TASK)
    async def _sync(institution: str, student: str) -> None:
        desk = canvas()
        if desk is not None:
            await sync_one(desk, institution, student)
