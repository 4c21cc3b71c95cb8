"""Which rules spoke in a case: kept when it closes, so that they can be judged by its outcome. No words."""

from __future__ import annotations

from db.access import Tx
from tools.care.dossier import read_evidence
from tools.care.facts import CaseFacts
from tools.people.keys import subject_key


async def keep_rules(tx: Tx, case: CaseFacts) -> None:
    """Store layer and rule of everything that spoke in the case's conversation since the case was opened."""
    key = await subject_key(tx, case.student_id)
    judged = await read_evidence(tx, key, case.conversation_id)
    rules = {
        (entry["layer"], entry["rule"])
        for message in judged
        if message.at >= case.opened_at
        for entry in message.evidence
    }
    for layer, rule in sorted(rules):
        await tx.conn.execute(
            "insert into case_rules (case_id, institution_id, student_id, layer, rule) values (%s, %s, %s, %s, %s)"
            " on conflict do nothing",
            (case.id, tx.who.institution_id, case.student_id, layer, rule),
        )
