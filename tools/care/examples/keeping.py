"""A counselor keeps what screening got wrong: with the student's consent, masked, and read before it is kept.

Without consent nothing is stored, not even that there was something; the database refuses it as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import orjson

from core.crypto import SubjectKey
from core.errors import Conflict, InvalidInput, NotFound
from core.ids import CaseId
from db.access import Tx
from safety.multiturn import LAYER as MULTITURN
from safety.triage.words import UNDERSTOOD_ANYWHERE, words_for
from safety.types import Category, Severity
from tools.care.access import Seen
from tools.care.cases import record
from tools.care.dossier.looks import look
from tools.care.examples.masking import mask
from tools.care.facts import CaseFacts, beside, require_mine
from tools.care.plan import read_plan
from tools.care.queue import colleague_name
from tools.care.terms import read_terms
from tools.people.consent import ConsentKind, has_consented
from tools.people.people import read_profile, require_staff

NOT_AGREED = "The student has not agreed to this, so nothing is kept."
NOT_MASKED = "Something in it may still tell who wrote it. It is masked now: read it once more and keep it then."
BEFORE = 3
"""Earlier messages of the student's that belong to a verdict on several turns."""
MESSAGES = """
select m.id, m.body_sealed, m.created_at, m.seq, s.crisis, s.clarify, s.category, s.severity, s.version, s.evidence_sealed
from messages m join screenings s on s.message_id = m.id
where m.conversation_id = %s and m.author = 'student' order by m.seq
"""


class ExampleKind(StrEnum):
    """In which way screening was wrong."""

    MISREAD = "misread"
    """It flagged what was no crisis."""
    MISS = "miss"
    """It did not flag what was one."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A message that may become an example, masked."""

    message_id: UUID
    at: datetime
    lines: tuple[str, ...]
    """The message itself last; before it what belongs to the verdict."""
    unsure: bool
    """Masking cannot see names in its script: they must be taken out by hand."""
    category: Category
    severity: Severity


async def misread_candidates(tx: Tx, case: CaseId, *, at: datetime) -> tuple[Candidate, ...]:
    """Return the flagged messages of a case, masked; a look of its own. Raises `NotFound`, `Conflict` without consent."""
    facts, key = await _open(tx, case, at)
    said = await _said(tx, key, facts)
    known = await _known(tx, key, facts)
    return tuple(
        _candidate(said, index, known)
        for index, entry in enumerate(said)
        if entry.flagged and entry.at >= facts.opened_at and not entry.tapped
    )


async def miss_candidate(tx: Tx, case: CaseId, message: UUID, *, at: datetime) -> Candidate:
    """Return one message that was not flagged, masked; a look of its own. Raises `NotFound`, `Conflict` without consent."""
    facts, key = await _open(tx, case, at)
    said = await _said(tx, key, facts)
    index = next((place for place, entry in enumerate(said) if entry.id == message and not entry.crisis), None)
    if index is None:
        raise NotFound("There is no such message that was not flagged.")
    return _candidate(said, index, await _known(tx, key, facts))


async def keep_example(
    tx: Tx,
    case: CaseId,
    message: UUID,
    kind: ExampleKind,
    lines: Sequence[str],
    *,
    category: Category = Category.NONE,
    severity: Severity = Severity.NONE,
    at: datetime,
) -> UUID:
    """Keep a masked message that the counselor has read, as a row for `companion eval safety`; returns its id.

    Raises `Conflict` without the student's consent or for a case that is somebody else's, `NotFound` for a message of
    another conversation, `StillTelling` with the text masked anew when something in it may tell who wrote it, and
    `InvalidInput` for a miss without a category and a severity.
    """
    facts = await require_mine(tx, case)
    key = (await look(tx, case, Seen.EXAMPLE, at=at))[1]
    if not await has_consented(tx, facts.student_id, ConsentKind.EXAMPLES):
        raise Conflict(NOT_AGREED)
    entry = next((one for one in await _said(tx, key, facts) if one.id == message), None)
    if entry is None or not (entry.flagged if kind is ExampleKind.MISREAD else not entry.crisis):
        raise NotFound("There is no such message.")
    kept = [line.strip() for line in lines if line.strip()]
    if not kept or len("".join(kept)) > 2 * len(entry.text) + 2000:
        raise InvalidInput("Keep the words of the message, without what could tell who wrote it.")
    known = await _known(tx, key, facts)
    masked = [mask(line, known).text for line in kept]
    if masked != kept:
        raise StillTelling(tuple(lines), tuple(masked))
    example = uuid4()  # not by time, as our other ids: a row in a file must lead nowhere
    row = _row(example, kind, kept, category, severity)
    await tx.conn.execute(
        "insert into examples (id, student_id, institution_id, conversation_id, kind, row_sealed, screening_version,"
        " kept_by, kept_at) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            example, facts.student_id, tx.who.institution_id, facts.conversation_id, kind,
            key.seal(orjson.dumps(row).decode(), f"examples.row:{example}"), entry.version, require_staff(tx), at,
        ),
    )  # fmt: skip
    await record(tx, case, "example_kept", at=at, facts={"kind": kind})
    return example


class StillTelling(InvalidInput):
    """Something in it may still tell who wrote it. Read it once more."""

    code = "still_telling"

    def __init__(self, given: tuple[str, ...], lines: tuple[str, ...]) -> None:
        super().__init__(NOT_MASKED)
        self.given = given
        self.lines = lines
        """The text as masking leaves it."""


@dataclass(frozen=True, slots=True)
class _Said:
    id: UUID
    text: str
    at: datetime
    crisis: bool
    flagged: bool
    tapped: bool
    several_turns: bool
    category: Category
    severity: Severity
    version: str


async def _open(tx: Tx, case: CaseId, at: datetime) -> tuple[CaseFacts, SubjectKey]:
    facts = await require_mine(tx, case)
    if not await has_consented(tx, facts.student_id, ConsentKind.EXAMPLES):
        raise Conflict(NOT_AGREED)
    return await look(tx, case, Seen.EXAMPLE, at=at)


async def _said(tx: Tx, key: SubjectKey, facts: CaseFacts) -> list[_Said]:
    cursor = await tx.conn.execute(MESSAGES, (facts.conversation_id,))
    taps = _taps()
    found = []
    for id_, body, at, _, crisis, clarify, category, severity, version, sealed in await cursor.fetchall():
        text = key.open(body, f"messages.body:{id_}")
        evidence: list[dict[str, Any]] = orjson.loads(key.open(sealed, f"screenings.evidence:{id_}"))
        several = any(entry["layer"] == MULTITURN for entry in evidence)
        found.append(
            _Said(
                id_, text, at, crisis, crisis or clarify, text in taps, several, Category(category), Severity(severity),
                version,
            )
        )  # fmt: skip
    return found


def _taps() -> frozenset[str]:
    """Values of buttons: no words of a student's."""
    tree = words_for("en").tree
    labelled = {str(value) for item in tree["items"].values() for value in item.get("labels", ())}
    return frozenset({*labelled, *map(str, tree["choices"]), *UNDERSTOOD_ANYWHERE})


def _candidate(said: Sequence[_Said], index: int, known: Sequence[str]) -> Candidate:
    entry = said[index]
    before = [one for one in said[:index] if not one.tapped][-BEFORE:] if entry.several_turns else []
    masked = [mask(one.text, known) for one in (*before, entry)]
    return Candidate(
        entry.id, entry.at, tuple(one.text for one in masked), any(one.unsure for one in masked), entry.category,
        entry.severity,
    )  # fmt: skip


async def _known(tx: Tx, key: SubjectKey, facts: CaseFacts) -> list[str]:
    """Names and places of the student's life here: masked wherever they stand."""
    student = beside(tx, facts.student_id)
    terms, plan = await read_terms(student, key), await read_plan(student, key)
    known = [(await read_profile(tx, facts.student_id)).name]
    if terms:
        known += [terms.call_first, terms.never_call, terms.clinician, terms.tell_people]
    if plan:
        known += [*plan.people_to_ask, *plan.people_and_places, *plan.professionals]
    cursor = await tx.conn.execute("select name, slug from institutions where id = %s", (tx.who.institution_id,))
    known += [word for row in await cursor.fetchall() for word in row]
    cursor = await tx.conn.execute(
        "select id from accounts where role in ('counselor', 'supervisor') and not synthetic"
    )
    known += [await colleague_name(tx, account) for (account,) in await cursor.fetchall()]
    return [word for word in known if word]


def _row(
    example: UUID, kind: ExampleKind, lines: Sequence[str], category: Category, severity: Severity
) -> dict[str, Any]:
    """One row as `companion eval safety` reads it."""
    said: dict[str, Any] = {"text": lines[0]}
    if len(lines) > 1:
        said = {"turns": [{"role": "student", "content": line} for line in lines]}
    crisis = kind is ExampleKind.MISS
    if crisis and (category is Category.NONE or severity is Severity.NONE):
        raise InvalidInput("Say what it is about and how bad it is.")
    judged = (category, severity) if crisis else (Category.NONE, Severity.NONE)
    return {"id": str(example), **said, "crisis": crisis, "category": judged[0].value, "severity": judged[1].value}
