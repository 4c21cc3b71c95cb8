"""What can go wrong between the service and Canvas; each has a code for which `words.yaml` holds a student's words."""

from __future__ import annotations

from typing import ClassVar


class CanvasFailure(Exception):
    """Canvas did not give what was asked. The text names a place of ours or a code of Canvas's, never data."""

    code: ClassVar[str] = "trouble"


class Busy(CanvasFailure):
    """Canvas throttles. It may be asked again after `retry_in` seconds."""

    code = "busy"

    def __init__(self, where: str, retry_in: float) -> None:
        super().__init__(where)
        self.retry_in = retry_in


class Unreachable(CanvasFailure):
    """No answer in time, an error of Canvas's own, or of the servers in front of it."""

    code = "unreachable"


class Incomplete(CanvasFailure):
    """An answer that is cut, is not what the contract says, or a list whose end is not known."""

    code = "incomplete"


class ForeignAddress(Incomplete):
    """A list goes on at another place than the campus's Canvas: following it would give the token away."""


class SignInAgain(CanvasFailure):
    """The student's permission has ended: only the student can give it anew."""

    code = "sign_in_again"


class SetUpWrong(CanvasFailure):
    """Canvas refuses the campus's own key: only the operator can repair that."""

    code = "set_up"


class NotPermitted(CanvasFailure):
    """The token has no scope for this kind of request; asking again changes nothing."""

    code = "limited"


class Refused(CanvasFailure):
    """The student may not read this one thing, or it is not there (any more)."""

    code = "limited"


class Disconnected(CanvasFailure):
    """The student's connection was taken away meanwhile."""

    code = "not_connected"
