"""Canvas's error answers, whose shapes differ from place to place."""

from collections.abc import Mapping

from fastapi.responses import JSONResponse

BEARER = {"WWW-Authenticate": 'Bearer realm="canvas-lms"'}


class CanvasError(Exception):
    """An answer that is an error: a status, a body as Canvas shapes it, and headers."""

    def __init__(self, status: int, body: object, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body
        self.headers = headers

    def response(self) -> JSONResponse:
        return JSONResponse(self.body, self.status, headers=self.headers)


def _errors(message: str, **more: object) -> dict[str, object]:
    return {"errors": [{"message": message, **more}]}


def unauthenticated() -> CanvasError:
    return CanvasError(401, {"status": "unauthenticated", **_errors("user authorization required")}, BEARER)


def invalid_token() -> CanvasError:
    return CanvasError(401, _errors("Invalid access token."), BEARER)


def expired_token(expired_at: str) -> CanvasError:
    return CanvasError(401, _errors("Expired access token.", expired_at=expired_at), BEARER)


def revoked_token() -> CanvasError:
    return CanvasError(401, _errors("Revoked access token."), BEARER)


def insufficient_scopes() -> CanvasError:
    return CanvasError(401, _errors("Insufficient scopes on access token."))


def unauthorized(forbidden: bool) -> CanvasError:
    """No permission: 401, or 403 where the institution has switched the newer answer on."""
    body = {"status": "unauthorized", **_errors("user not authorized to perform that action")}
    return CanvasError(403 if forbidden else 401, body)


def not_found() -> CanvasError:
    return CanvasError(404, _errors("The specified resource does not exist."))


def internal_error(report: int) -> CanvasError:
    body = {**_errors("An error occurred.", error_code="internal_server_error"), "error_report_id": report}
    return CanvasError(500, body)
