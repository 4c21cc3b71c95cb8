"""One question a week, 'how full did the last seven days feel', beside the number: it tells whether the number fits.

Only the student sees either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

import numpy as np

from core.errors import InvalidInput
from db.access import Tx
from tools.academic.figures import figures
from tools.academic.words import words
from tools.people.people import require_student

CLOSE = 0.4
WEEKS = 26


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of one week, 1 to 10, and what the number was then."""

    week: date
    """Its Monday, in the student's own zone."""
    felt: int
    score: int | None


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether number and answers go up and down together."""

    n: int
    correlation: float | None
    """Spearman's; None: not enough data, or no differences to compare."""
    direction: Literal["not_enough", "close", "loose"]
    said: str


async def answer_week(tx: Tx, felt: int, score: int | None, *, at: datetime, today: date) -> None:
    """Store the week's answer, replacing an earlier one of the same week; raises `InvalidInput`."""
    if not 1 <= felt <= 10:
        raise InvalidInput("Answer with a whole number from 1 to 10.")
    await tx.conn.execute(
        "insert into week_answers (student_id, institution_id, week, felt, score, answered_at) values (%s, %s, %s, %s, %s, %s)"
        " on conflict (student_id, week) do update set felt = excluded.felt, score = excluded.score,"
        " answered_at = excluded.answered_at",
        (require_student(tx), tx.who.institution_id, today - timedelta(days=today.weekday()), felt, score, at),
    )


async def week_answers(tx: Tx) -> list[Answer]:
    """The acting student's answers, newest first."""
    cursor = await tx.conn.execute(
        "select week, felt, score from week_answers where student_id = %s order by week desc limit %s",
        (require_student(tx), WEEKS),
    )
    return [Answer(*row) for row in await cursor.fetchall()]


def fit_of(answers: Sequence[Answer]) -> Fit:
    """Compare the answers with the number."""
    least, said = figures()["calibration"]["least"], words()["calibration"]
    pairs = [(answer.felt, answer.score) for answer in answers if answer.score is not None]
    if len(pairs) < least or len({felt for felt, _ in pairs}) < 2 or len({score for _, score in pairs}) < 2:
        return Fit(len(pairs), None, "not_enough", said["not_enough"].format(n=len(pairs), least=least))
    ranks = [_ranks([pair[side] for pair in pairs]) for side in (0, 1)]
    correlation = float(np.corrcoef(ranks[0], ranks[1])[0, 1])
    direction: Literal["close", "loose"] = "close" if correlation >= CLOSE else "loose"
    return Fit(len(pairs), round(correlation, 2), direction, said[direction].format(n=len(pairs)))


def _ranks(values: Sequence[int]) -> list[float]:
    """Ranks, equal values sharing theirs."""
    return [sum(other < value for other in values) + (values.count(value) + 1) / 2 for value in values]
