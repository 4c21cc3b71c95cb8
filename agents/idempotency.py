"""A tool's write happens once per turn, however often the turn is executed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from core.crypto import SubjectKey
from core.errors import Conflict
from core.ids import TurnId
from db.access import Tx
from tools.people.people import require_student

Data = dict[str, Any]


async def once(
    tx: Tx, key: SubjectKey, turn_id: TurnId, call_id: str, tool: str, act: Callable[[], Awaitable[Data]]
) -> Data:
    """Run `act` unless the call `call_id` of this turn is already recorded; return its data either way.

    The claim and the write share the transaction, so a second executor of the turn waits for the first to commit and
    then reads its result. The stored result is sealed: it repeats the student's words.
    """
    bound_to = f"tool_calls.result:{turn_id}:{call_id}"
    cursor = await tx.conn.execute(
        "insert into tool_calls (turn_id, call_id, institution_id, student_id, tool, result_sealed)"
        " values (%s, %s, %s, %s, %s, '') on conflict (turn_id, call_id) do nothing",
        (turn_id, call_id, tx.who.institution_id, require_student(tx), tool),
    )
    if cursor.rowcount == 0:
        return await _recorded(tx, key, turn_id, call_id, bound_to)
    data = await act()
    await tx.conn.execute(
        "update tool_calls set result_sealed = %s where turn_id = %s and call_id = %s",
        (key.seal(orjson.dumps(data).decode(), bound_to), turn_id, call_id),
    )
    return data


async def _recorded(tx: Tx, key: SubjectKey, turn_id: TurnId, call_id: str, bound_to: str) -> Data:
    cursor = await tx.conn.execute(
        "select result_sealed from tool_calls where turn_id = %s and call_id = %s", (turn_id, call_id)
    )
    row = await cursor.fetchone()
    if row is None:
        raise Conflict
    data: Data = orjson.loads(key.open(row[0], bound_to))
    return data
