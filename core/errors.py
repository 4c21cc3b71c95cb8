"""The errors of the service: the class carries meaning and HTTP status, its docstring is the default message.

Messages are written for the person who meets them and never hold internals; causes go to the log.
"""

from __future__ import annotations

from typing import ClassVar


class CompanionError(Exception):
    """Something went wrong on our side. What you wrote is kept; please try again."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"

    def __init__(self, message: str | None = None, **details: str | int) -> None:
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        self.details = details
        super().__init__(self.message)


class InvalidInput(CompanionError):
    """This could not be read. Check the marked fields and send it again."""

    status = 422
    code = "invalid_input"


class TooLarge(CompanionError):
    """This message is too long to send in one piece. Shorten it or split it in parts."""

    status = 413
    code = "too_large"


class NotAuthenticated(CompanionError):
    """Please sign in again."""

    status = 401
    code = "not_authenticated"


class NotAllowed(CompanionError):
    """This account may not do that."""

    status = 403
    code = "not_allowed"


class NotFound(CompanionError):
    """There is nothing here, or it is not yours to see."""

    status = 404
    code = "not_found"


class Conflict(CompanionError):
    """Somebody or something else changed this first. Reload and try again."""

    status = 409
    code = "conflict"


class TooMany(CompanionError):
    """That was very often in a short time. Wait a moment and try again."""

    status = 429
    code = "too_many"


class Unavailable(CompanionError):
    """A part of the service is down. What you wrote is kept on your screen; please try again soon."""

    status = 503
    code = "unavailable"


class ConfigurationError(CompanionError):
    """The service is not configured correctly."""

    code = "configuration"
