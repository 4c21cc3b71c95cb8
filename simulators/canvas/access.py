"""Who asks, and how Canvas answers them: authentication, scopes, permission, the outer form of an answer."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import JSONResponse, Response

from simulators.canvas.clock import moment_of
from simulators.canvas.errors import CanvasError, not_found, unauthenticated, unauthorized
from simulators.canvas.model import Course, Enrollment, EnrollmentState, User
from simulators.canvas.paging import Asked, Page
from simulators.canvas.settings import Behaviour, Canvas
from simulators.canvas.world import World

STRING_IDS = "application/json+canvas-string-ids"
COST_PER_ROW = 0.01


@dataclass(frozen=True)
class Visit:
    """An API request by an authenticated student."""

    request: Request
    world: World
    behaviour: Behaviour
    user: User
    includes: frozenset[str]

    @property
    def base(self) -> str:
        """The address of this Canvas, without a slash at the end."""
        return str(self.request.base_url).rstrip("/")

    @property
    def now(self) -> datetime:
        return self.world.clock.now()

    def one(self, name: str) -> str | None:
        return self.request.query_params.get(name)

    def many(self, name: str) -> list[str]:
        """The values of `name[]`, or of `name`."""
        parameters = self.request.query_params
        return parameters.getlist(f"{name}[]") or parameters.getlist(name)

    def moment(self, name: str, end_of_day: bool = False) -> datetime | None:
        """A filter's moment in the student's time zone; None if absent. Raises a 400 if it is no date."""
        text = self.one(name)
        try:
            return moment_of(text, self.user.time_zone, end_of_day) if text else None
        except ValueError as error:
            raise CanvasError(400, {"errors": {name: f"Invalid date or datetime for {name}"}}) from error

    def enrollments(self, *states: EnrollmentState) -> list[Enrollment]:
        """The student's enrollments, of the given states if any are given."""
        return [row for row in self.world.enrollments_of(self.user.id) if not states or row.state in states]

    def course(self, course_id: int) -> Course:
        """A course the student may read. Raises a 404 if there is none, no permission if it is not theirs."""
        course = self.world.course(course_id)
        if course is None or course.workflow_state == "deleted":
            raise not_found()
        states = (EnrollmentState.ACTIVE, EnrollmentState.COMPLETED)
        enrolled = any(row.course_id == course_id for row in self.enrollments(*states))
        if not enrolled or course.restricted_by_date or course.workflow_state == "unpublished":
            raise self.refused()
        return course

    def active_courses(self) -> list[Course]:
        """The courses in which the student works now, by id, each once."""
        ids = {row.course_id for row in self.enrollments(EnrollmentState.ACTIVE)}
        found = [course for course_id in sorted(ids) if (course := self.world.course(course_id))]
        return [
            row for row in found if row.workflow_state == "available" and not (row.concluded or row.restricted_by_date)
        ]

    def myself(self, user_id: str) -> None:
        """Raises no permission unless `user_id` means the student: `self` or their own id."""
        if user_id not in ("self", str(self.user.id)):
            raise self.refused()

    def refused(self) -> CanvasError:
        return unauthorized(forbidden=self.behaviour.api_auth_error_updates)

    @property
    def asked(self) -> Asked:
        return Asked(self.request.url, self.request.query_params.multi_items())

    def answer_page(self, page: Page) -> Response:
        return self.answer(page.rows, {"Link": page.link})

    def answer(self, data: Any, headers: dict[str, str] | None = None) -> Response:
        """Answer with JSON; ids are strings for a client that accepts them so."""
        if isinstance(data, Sequence):
            self.request.state.cost += COST_PER_ROW * len(data)
        if self.behaviour.string_ids and STRING_IDS in self.request.headers.get("accept", ""):
            data = stringify_ids(data)
        return JSONResponse(data, headers=headers, media_type="application/json; charset=utf-8")

    def answer_unless_known(self, data: Any, headers: dict[str, str]) -> Response:
        """Answer with an `ETag`, or with 304 if the client already holds the same."""
        response = self.answer(data, headers)
        tag = f'W/"{hashlib.blake2b(bytes(response.body), digest_size=16).hexdigest()}"'
        if self.request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        response.headers["ETag"] = tag
        return response


def stringify_ids(data: Any) -> Any:
    """Write whole numbers under `id`, `ids` and names that end so as strings."""
    if isinstance(data, list):
        return [stringify_ids(item) for item in data]
    if not isinstance(data, dict):
        return data
    return {name: _as_text(value) if _names_ids(name) else stringify_ids(value) for name, value in data.items()}


def _names_ids(name: str) -> bool:
    return name in ("id", "ids") or name.endswith(("_id", "_ids"))


def _as_text(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def bearer_of(request: Request) -> str | None:
    """The access token of a request, from the header or the query."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token if kind.lower() == "bearer" and token else request.query_params.get("access_token")


def canvas_of(request: Request) -> Canvas:
    canvas: Canvas = request.app.state.canvas
    return canvas


def admit(request: Request) -> Visit:
    """Authenticate an API request. Raises `CanvasError` as Canvas would answer."""
    canvas = canvas_of(request)
    presented = bearer_of(request)
    if presented is None:
        raise unauthenticated()
    token = canvas.oauth.tokens.authenticate(presented)
    canvas.oauth.check_scope(token, request.method, request.url.path)
    user = canvas.world.user(token.user_id)
    if user is None:
        raise unauthenticated()
    includes = request.query_params.getlist("include[]") or request.query_params.getlist("include")
    allowed = frozenset() if canvas.oauth.ignores_includes(token) else frozenset(includes)
    request.state.user_id = user.id
    return Visit(request, canvas.world, canvas.control.behaviour, user, allowed)


Visitor = Annotated[Visit, Depends(admit)]
