"""When a student sleeps, is busy and has time: what they said, else an assumption that is called one. Sealed at rest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.crypto import SubjectKey
from core.errors import InvalidInput
from db.access import Tx
from tools.academic.figures import figures
from tools.people.people import require_student

Hours = Annotated[float, Field(ge=0, le=16)]
MOST_BUSY = 40


class Busy(BaseModel):
    """A time of the week that is taken, on the student's own clock; it ends on the same day."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weekday: Annotated[int, Field(ge=0, le=6, description="0 is Monday")]
    start: time
    end: time
    label: Annotated[str, Field(max_length=80)] = ""

    @model_validator(mode="after")
    def _in_order(self) -> Busy:
        if self.start >= self.end:
            raise ValueError("A busy time ends after it starts, on the same day.")
        return self


class StudyTimes(BaseModel):
    """A student's week."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sleep_from: time
    sleep_to: time
    free_hours: Annotated[tuple[Hours, ...], Field(min_length=7, max_length=7, description="Monday first")]
    busy: Annotated[tuple[Busy, ...], Field(max_length=MOST_BUSY)] = ()

    @model_validator(mode="after")
    def _awake_at_times(self) -> StudyTimes:
        if self.sleep_from == self.sleep_to:
            raise ValueError("Sleep begins and ends at different times.")
        return self

    @property
    def usual_day(self) -> float:
        """Free hours on a usual day: the mean of the week, a quarter of an hour at least."""
        return max(sum(self.free_hours) / 7, 0.25)


@dataclass(frozen=True, slots=True)
class Week:
    """A student's week, and whether they said so themself."""

    times: StudyTimes
    said: bool


def assumed() -> StudyTimes:
    """What holds until the student says."""
    plan, free = figures()["plan"], float(figures()["free"]["hours_a_day"])
    return StudyTimes(
        sleep_from=time.fromisoformat(plan["sleep_from"]),
        sleep_to=time.fromisoformat(plan["sleep_to"]),
        free_hours=(free,) * 7,
    )


async def read_week(tx: Tx, key: SubjectKey) -> Week:
    """The acting student's week."""
    student = require_student(tx)
    cursor = await tx.conn.execute("select times_sealed from study_times where student_id = %s", (student,))
    row = await cursor.fetchone()
    if row is None:
        return Week(assumed(), said=False)
    return Week(StudyTimes.model_validate_json(key.open(row[0], f"study_times.times:{student}")), said=True)


async def save_week(tx: Tx, key: SubjectKey, times: StudyTimes, *, at: datetime) -> None:
    """Store the acting student's week, replacing the earlier one; raises `InvalidInput`."""
    if sum(times.free_hours) == 0:
        raise InvalidInput("Leave at least one hour free in the week, or nothing can be planned.")
    student = require_student(tx)
    await tx.conn.execute(
        "insert into study_times (student_id, institution_id, times_sealed, updated_at) values (%s, %s, %s, %s)"
        " on conflict (student_id) do update set times_sealed = excluded.times_sealed, updated_at = excluded.updated_at",
        (student, tx.who.institution_id, key.seal(times.model_dump_json(), f"study_times.times:{student}"), at),
    )


async def forget_week(tx: Tx) -> None:
    """Go back to what is assumed."""
    await tx.conn.execute("delete from study_times where student_id = %s", (require_student(tx),))
