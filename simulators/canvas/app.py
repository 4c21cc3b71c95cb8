"""Puts a simulated Canvas together: its application, the servers in front of it, its control plane."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import TypeAdapter, ValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException

from simulators.canvas.clock import VirtualClock, stamp
from simulators.canvas.errors import CanvasError, not_found
from simulators.canvas.faults import CanvasFault, Change, apply
from simulators.canvas.oauth import OAuthServer
from simulators.canvas.routes import courses, login, planner, work
from simulators.canvas.seed import seed
from simulators.canvas.settings import Behaviour, Canvas
from simulators.canvas.throttle import Throttle
from simulators.canvas.transport import Transport
from simulators.canvas.world import World
from simulators.control import Control
from simulators.serving import Simulator


def create_simulator(control_key: str | None = None, now: datetime | None = None, students: int = 0) -> Simulator:
    """Build a Canvas with the personas of `seed` and as many further `students`.

    At `now` its clock stands still until the control plane moves it; without, it runs with the machine's.
    """
    start = now or datetime.now(UTC)
    world = World(VirtualClock(start, running=now is None))
    seed(world, students)
    control: Control[Behaviour, CanvasFault] = Control(control_key, Behaviour(), CanvasFault)
    canvas = Canvas(world, OAuthServer(world), control, Throttle(world.clock))
    transport = Transport(_application(canvas), canvas)

    def reset() -> None:
        world.clock.set(start if now else datetime.now(UTC))
        world.clear()
        seed(world, students)
        canvas.oauth.clear()
        canvas.throttle.clear()
        canvas.sessions.clear()
        canvas.upcoming.clear()
        transport.clear()

    control.on_reset = reset
    return Simulator(transport, control.app(_controls(canvas)))


def _application(canvas: Canvas) -> FastAPI:
    app = FastAPI(title="Simulated Canvas", openapi_url=None, redirect_slashes=False)
    app.state.canvas = canvas
    app.add_api_route("/health", lambda: {"status": "ok"}, methods=["GET"])
    # The fixed `/users/self/...` routes of the planner come before `/users/{user_id}/...`.
    for router in (login.router, planner.router, courses.router, work.router):
        app.include_router(router)

    @app.exception_handler(CanvasError)
    def as_canvas_says(_: Request, error: CanvasError) -> Response:
        return error.response()

    @app.exception_handler(StarletteHTTPException)
    @app.exception_handler(RequestValidationError)
    def no_such_place(_: Request, error: Exception) -> Response:
        return not_found().response()

    return app


def _controls(canvas: Canvas) -> APIRouter:
    router = APIRouter()
    adapter: TypeAdapter[list[Change]] = TypeAdapter(list[Change])

    @router.post("/changes")
    def change(changes: list[dict[str, Any]]) -> dict[str, int]:
        try:
            return {"rows": sum(apply(step, canvas.world, canvas.oauth) for step in adapter.validate_python(changes))}
        except (ValidationError, KeyError) as error:
            raise HTTPException(422, str(error)) from error

    @router.get("/clock")
    def clock() -> dict[str, str | None]:
        return {"now": stamp(canvas.world.clock.now())}

    @router.get("/people")
    def people() -> list[dict[str, Any]]:
        rows = canvas.world.rows("users")
        return [{"id": row.id, "name": row.name, "login_id": row.login_id} for row in rows]

    return router
