"""Writes the kept examples as rows of `companion eval safety`, at the operator's machine and with consent that stands."""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson

from core.ids import InstitutionId, StudentId
from db.access import Acting, Database, Role
from tools.care.cases import SERVICE
from tools.people.keys import student_key


async def exported_rows(worker: Database, campus: str | None = None) -> AsyncIterator[str]:
    """Yield one JSON line an example, over the worker's login; `campus` names one by its short name.

    A row says what was written and what it was, never by whom: its id is the example's own and leads nowhere once the
    example is deleted.
    """
    async with worker.connection() as conn:
        cursor = await conn.execute("select student_id, institution_id, slug from students_with_examples()")
        students = [row for row in await cursor.fetchall() if campus in (None, row[2])]
    lines = []
    for student, institution, _ in students:
        who = Acting(InstitutionId(institution), SERVICE, Role.STUDENT, StudentId(student))
        async with worker.acting(who) as tx:
            key = await student_key(tx)
            cursor = await tx.conn.execute("select id, row_sealed from examples where student_id = %s", (student,))
            for id_, sealed in await cursor.fetchall():
                lines.append((str(id_), key.open(sealed, f"examples.row:{id_}")))
    # In the order of their ids, which are random: neither student by student nor by time.
    for _, row in sorted(lines):
        yield orjson.dumps(orjson.loads(row)).decode()
