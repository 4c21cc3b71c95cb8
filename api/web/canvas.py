"""Where Canvas sends a browser back to: the sign-in is finished, and a page says how it went."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.deps import PartsDep
from api.routes.canvas import canvas_of
from api.web.rendering import go, render
from api.web.session import VisitorDep, sign_in_address
from core.errors import CompanionError
from db.access import Role
from tools.academic.canvas import service
from tools.academic.canvas.config import CALLBACK

router = APIRouter(include_in_schema=False)


@router.get(CALLBACK)
async def back_from_canvas(
    request: Request,
    who: VisitorDep,
    parts: PartsDep,
    state: str = "",
    code: str | None = None,
    error: str | None = None,
) -> Response:
    """Finish the sign-in of the student who is signed in here; everything that can go wrong has words on the page."""
    if who is None:
        return go(request, sign_in_address("/chat"))
    if who.role is not Role.STUDENT:
        return render(
            request, "canvas.html", 403, heading="Canvas is not connected", text="This is a student's own place."
        )
    try:
        await parts.limiter.hit("canvas_sign_in", str(who.account_id), "20/hour")
        status = await service.finish_sign_in(canvas_of(parts), parts.jobs, who, state=state, code=code, error=error)
    except CompanionError as failure:
        return render(request, "canvas.html", failure.status, heading="Canvas is not connected", text=failure.message)
    return render(request, "canvas.html", heading="Canvas is connected", text=status.text)
