"""What is true afterwards: read from the database, from the receivers and from what the students were answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID, uuid5

import psycopg
from psycopg.rows import dict_row

from core.crypto import KeyRing
from core.settings import Settings
from tests.chaos.talk import ACKNOWLEDGED, Sent
from tests.chaos.world import World

MESSAGES = """
select m.id, m.student_id, m.conversation_id, m.body_sealed, m.seq, k.wrapped from messages m
join data_keys k on k.subject_id = m.student_id where m.author = 'student' order by m.conversation_id, m.seq
"""
NOTICES = """
select d.id, d.case_id, d.channel, d.rung, d.state, d.sent_at from deliveries d join cases c on c.id = d.case_id
where not c.synthetic
"""
CASES = "select id, conversation_id, student_id from cases where not synthetic"
CALLED = (
    "select case_id, count(*) from case_events where kind = 'called' and facts ->> 'reason' = 'words' group by case_id"
)
UNFINISHED = "select count(*) from turns where state in ('queued', 'running')"


@dataclass(frozen=True)
class Verdict:
    """Counts; each of the last block has to be zero."""

    messages: int
    crises: int
    answered_with_the_script: int
    kept_while_the_database_was_down: int
    cases: int
    delivered_at_least_once: int
    delivered_directly: int

    unanswered_messages: int
    crises_without_the_script: int
    lost_messages: int
    doubled_messages: int
    conversations_out_of_order: int
    crises_without_a_case: int
    crises_with_several_cases: int
    cases_nobody_wrote: int
    cases_not_delivered: int
    cases_called_more_than_once: int
    sent_but_never_received: int
    unfinished_turns: int

    @property
    def faults(self) -> dict[str, int]:
        """What has to be zero and is not."""
        names = [entry.name for entry in fields(self)]
        must_be_zero = names[names.index("unanswered_messages") :]
        return {name: getattr(self, name) for name in must_be_zero if getattr(self, name)}


def judge(world: World, sent: Sequence[Sent]) -> Verdict:
    """Compare what the students sent with what the database and the receivers hold."""
    facts = _Facts.read(world.settings)
    received = Received.of(world)
    crises = [one for one in sent if one.crisis]
    texts = Counter(text for _, text in facts.messages)
    per_writer = Counter(where for where, text in facts.messages if text in {one.text for one in crises})
    homes = {text: where for where, text in facts.messages}
    cases_of = Counter(case["conversation_id"] for case in facts.cases)
    crisis_homes = [homes[one.text] for one in crises if one.text in homes]
    delivered = {notice["case_id"] for notice in facts.notices if received.has(notice)}
    called = dict(facts.called)
    return Verdict(
        messages=len(sent),
        crises=len(crises),
        answered_with_the_script=sum(one.scripted for one in crises),
        kept_while_the_database_was_down=sum(one.status == 202 for one in sent),
        cases=len(facts.cases),
        delivered_at_least_once=sum(case["id"] in delivered for case in facts.cases),
        delivered_directly=len(
            {notice["case_id"] for notice in facts.notices if notice["rung"] == "direct" and received.has(notice)}
        ),
        unanswered_messages=sum(one.status not in ACKNOWLEDGED for one in sent),
        crises_without_the_script=sum(not one.scripted for one in crises),
        lost_messages=sum(texts[one.text] == 0 for one in sent),
        doubled_messages=sum(count - 1 for count in texts.values() if count > 1),
        conversations_out_of_order=_out_of_order(facts.messages),
        crises_without_a_case=sum(cases_of[home] == 0 for home in crisis_homes) + len(crises) - len(crisis_homes),
        crises_with_several_cases=sum(cases_of[home] > 1 for home in set(crisis_homes)),
        cases_nobody_wrote=sum(per_writer[home] == 0 for home in cases_of),
        cases_not_delivered=sum(case["id"] not in delivered for case in facts.cases),
        cases_called_more_than_once=sum(called.get(case["id"], 0) > 1 for case in facts.cases),
        sent_but_never_received=sum(
            notice["state"] == "sent" and notice["channel"] in ("email", "webhook") and not received.has(notice)
            for notice in facts.notices
            if notice["case_id"] not in facts.told_directly
        ),
        unfinished_turns=facts.unfinished,
    )


@dataclass(frozen=True)
class Received:
    """What arrived outside, by the key under which it was sent."""

    webhook: frozenset[str]
    mail: frozenset[str]

    @classmethod
    def of(cls, world: World) -> Received:
        """Ask the webhook's receiver and the mail server."""
        mail = frozenset(identifier.split(".")[0] for identifier in world.mail.accepted)
        return cls(frozenset(world.webhook.control.read("/deliveries")), mail)

    def has(self, notice: dict[str, Any]) -> bool:
        """Whether a notice arrived; a direct call is stored under a key made of the one it was sent under."""
        kept = {"webhook": self.webhook, "email": self.mail}.get(notice["channel"], frozenset())
        if notice["rung"] != "direct":
            return str(notice["id"]) in kept
        return any(uuid5(UUID(key), notice["channel"]) == notice["id"] for key in kept)


@dataclass(frozen=True)
class _Facts:
    """What the database holds, read as its owner."""

    messages: list[tuple[UUID, str]]
    """Conversation and words of every student's message, in order."""
    cases: list[dict[str, Any]]
    notices: list[dict[str, Any]]
    called: list[tuple[UUID, int]]
    told_directly: frozenset[UUID]
    """Cases about which somebody was called while the database was down: the same way was not taken again."""
    unfinished: int

    @classmethod
    def read(cls, settings: Settings) -> _Facts:
        keys = KeyRing.from_setting(settings.master_key.get_secret_value())
        with psycopg.connect(settings.owner_dsn.get_secret_value(), row_factory=dict_row) as owner:
            messages = [
                (
                    row["conversation_id"],
                    keys.unwrap(row["wrapped"], str(row["student_id"])).open(
                        row["body_sealed"], f"messages.body:{row['id']}"
                    ),
                )
                for row in owner.execute(MESSAGES).fetchall()
            ]
            notices = owner.execute(NOTICES).fetchall()
            called = [(row["case_id"], row["count"]) for row in owner.execute(CALLED).fetchall()]
            unfinished = owner.execute(UNFINISHED).fetchone() or {"count": 0}
            cases = owner.execute(CASES).fetchall()
        directly = frozenset(row["case_id"] for row in notices if row["rung"] == "direct" and row["sent_at"])
        return cls(messages, cases, notices, called, directly, unfinished["count"])


def _out_of_order(messages: Sequence[tuple[UUID, str]]) -> int:
    """How many conversations hold their messages in another order than they were written; the note's number tells."""
    by_conversation: dict[UUID, list[str]] = {}
    for where, text in messages:
        by_conversation.setdefault(where, []).append(text.rsplit("(note ", 1)[-1])
    return sum(notes != sorted(notes, key=lambda note: float(note.rstrip(")"))) for notes in by_conversation.values())
