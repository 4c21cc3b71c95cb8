"""What the script is told at a turn: about the student, the service, and the delivery of the case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from safety.hours import Shift


class InputKind(StrEnum):
    """How the student's words came in."""

    TEXT = "text"
    VOICE = "voice"
    """Spoken, and the transcript confirmed by the student."""
    VOICE_UNCONFIRMED = "voice_unconfirmed"
    """Spoken, not confirmed: it may ask, and it never pages."""


@dataclass(frozen=True, slots=True)
class CrisisTerms:
    """What the student wrote when well, in their own words; empty where they wrote nothing."""

    helps: str = ""
    makes_worse: str = ""
    call_first: str = ""
    never_call: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryFacts:
    """Stored facts about the delivery of a case; every claim to the student is rendered from them."""

    sent_at: datetime | None = None
    opened_at: datetime | None = None
    """When a person opened the case."""
    writing_at: datetime | None = None
    """Since when a person is writing; None as soon as they stop."""
    last_person_at: datetime | None = None
    """When a person last wrote to the student."""
    closed_at: datetime | None = None
    expected_by: datetime | None = None
    """Until when the tier's acknowledgement is due."""


@dataclass(frozen=True, slots=True)
class StudentFacts:
    """What is known about the student and the service at this turn."""

    language: str = "en"
    region: str | None = None
    """Country or `country-subdivision` code from the student's settings; None is unknown and never guessed."""
    campus_region: str | None = None
    """Where the campus is; its law counts beside that of the student's region."""
    zone: str = "UTC"
    """IANA time zone in which times are shown."""
    minor: bool = False
    has_plan: bool = False
    """A safety plan or crisis terms of their own are stored."""
    crisis_terms: CrisisTerms | None = None
    staffed_now: bool = False
    """Somebody answers pages at this hour, the contracted line included."""
    next_staffed: datetime | None = None
    """When somebody looks next; None if not known."""
    shifts: tuple[Shift, ...] = ()
    """When counselors are there, from now on; none where no hours are written down."""
    earlier_case: bool = False
    """There was a case before: no introduction, and 'What's different tonight?'"""
    cut_off: bool = False
    """Nothing can be stored now: people are called directly, and read what was said when it can be stored."""
    delivery: DeliveryFacts = DeliveryFacts()
    input: InputKind = InputKind.TEXT
