"""Errors as problem+json (RFC 9457): a clear word, what to do, and always the way to help. Internals go to the log."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from conversations.crisis_events import crisis_payload, resource_payload
from conversations.cut_off import SafetyReply
from core.errors import CompanionError, TooLarge
from core.logs import get_logger
from safety.resources import resources_for

log = get_logger("api.problems")
TITLES = {
    400: "That could not be read",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Not possible here",
    409: "Changed meanwhile",
    413: "Too long",
    415: "Not readable",
    422: "That could not be read",
    429: "Too often",
    503: "A part is down",
}


class FieldProblem(BaseModel):
    """What is wrong with one field, without repeating what was sent."""

    field: str
    message: str


class Problem(BaseModel):
    """The body of every error."""

    type: str = Field(examples=["urn:companion:not_found"])
    title: str
    status: int
    detail: str
    code: str
    fields: list[FieldProblem] = []
    help: dict[str, Any] = Field(description="The way to people, whatever went wrong")
    crisis: dict[str, Any] | None = Field(
        None, description="The fixed reply, when a message could be screened but not stored"
    )


def way_to_help() -> dict[str, Any]:
    """The page and the lines that every error carries; no region is guessed."""
    return {
        "page": "/help",
        "text": "If you are in danger or need a person now, open the help page or call your local emergency number.",
        "lines": [resource_payload(resource) for resource in resources_for(None, "en")],
    }


def problem(
    status: int,
    code: str,
    detail: str,
    fields: list[FieldProblem] | None = None,
    crisis: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """Build the response of an error."""
    body = Problem(
        type=f"urn:companion:{code}",
        title=TITLES.get(status, "Something went wrong"),
        status=status,
        detail=detail,
        code=code,
        fields=fields or [],
        help=way_to_help(),
        crisis=crisis,
    )
    return JSONResponse(body.model_dump(), status, headers, media_type="application/problem+json")


def install(app: FastAPI) -> None:
    """Answer every kind of error with a problem."""

    @app.exception_handler(SafetyReply)
    async def fixed_reply(_: Request, error: SafetyReply) -> JSONResponse:
        return problem(error.status, error.code, error.message, crisis=crisis_payload(error.step))

    @app.exception_handler(CompanionError)
    async def ours(_: Request, error: CompanionError) -> JSONResponse:
        if error.status >= 500:
            log.error("request_failed", error=type(error).__name__, exc_info=error)
        headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
        return problem(error.status, error.code, error.message, headers=headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        fields = [
            FieldProblem(
                field=".".join(str(part) for part in entry["loc"] if part != "body") or "body", message=entry["msg"]
            )
            for entry in error.errors()
        ]
        return problem(
            422, "invalid_input", "This could not be read. Check the marked fields and send it again.", fields
        )

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> JSONResponse:
        if isinstance(error.__cause__, TooLarge):
            return problem(TooLarge.status, TooLarge.code, error.__cause__.message)
        if error.status_code == 400:
            return problem(400, "unreadable", "This could not be read. Send JSON in UTF-8.")
        code = TITLES.get(error.status_code, "error").lower().replace(" ", "_")
        headers = dict(error.headers) if error.headers else None
        return problem(
            error.status_code, code, TITLES.get(error.status_code, "Something went wrong") + ".", headers=headers
        )

    @app.exception_handler(Exception)
    async def unexpected(_: Request, error: Exception) -> JSONResponse:
        log.error("request_failed", error=type(error).__name__, exc_info=error)
        return problem(500, "internal", CompanionError().message)
