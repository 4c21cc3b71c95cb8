"""How a case ends: the protocol's list."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """How a case ended. Only a misread is a false alarm."""

    CONTACTED = "contacted"
    WELFARE_CONFIRMED = "welfare_confirmed"
    REFERRED = "referred"
    EMERGENCY_SERVICES = "emergency_services"
    HOSPITALISED = "hospitalised"
    UNREACHABLE = "unreachable"
    DECLINED_HELP = "declined_help"
    DENIED = "denied"
    """The student says it was not so. Not a negative label: it may have been true."""
    TRUE_BUT_LOW = "true_but_low"
    MISREAD = "misread"
    DUPLICATE = "duplicate"
    TEST = "test"

    @property
    def had_contact(self) -> bool:
        """Whether a person was in contact with the student."""
        return self in _CONTACT

    @property
    def says_nothing(self) -> bool:
        """Whether it says nothing about the student: what only seemed a crisis, and tests.

        A duplicate says that the same crisis has another case: the student stays in it.
        """
        return self in (Outcome.MISREAD, Outcome.TEST)


_CONTACT = frozenset(
    {
        Outcome.CONTACTED, Outcome.WELFARE_CONFIRMED, Outcome.REFERRED, Outcome.EMERGENCY_SERVICES,
        Outcome.HOSPITALISED, Outcome.DECLINED_HELP, Outcome.DENIED, Outcome.TRUE_BUT_LOW,
    }
)  # fmt: skip
