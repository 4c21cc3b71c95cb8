"""Re-wraps every data key under the newest master key. What is sealed stays as it is; only the wrapping is new."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import psycopg

from core.crypto import KeyRing, Unreadable

BATCH = 500
NEXT = """
select subject_id, wrapped from data_keys where master <> %s and subject_id > %s
order by subject_id limit %s for update
"""
FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a run did."""

    rewrapped: int
    unreadable: tuple[UUID, ...]
    """Subjects whose key none of the master keys opens; they are left as they are."""


def rotate(owner_dsn: str, keys: KeyRing, progress: Callable[[int], None] = lambda _: None) -> Rotated:
    """Re-wrap in batches, each its own transaction: a run that breaks off is taken up by the next one.

    Runs as the owner, beside a service that has the same master keys in the same order.
    """
    done, unreadable, last = 0, list[UUID](), FIRST
    with psycopg.connect(owner_dsn, autocommit=True) as owner:
        while True:
            with owner.transaction():
                batch = owner.execute(NEXT, (keys.current, last, BATCH)).fetchall()
                for subject, wrapped in batch:
                    if _rewrap(owner, keys, subject, wrapped):
                        done += 1
                    else:
                        unreadable.append(subject)
            if not batch:
                return Rotated(done, tuple(unreadable))
            last = batch[-1][0]
            progress(done)


def _rewrap(owner: psycopg.Connection[tuple[object, ...]], keys: KeyRing, subject: UUID, wrapped: bytes) -> bool:
    try:
        key = keys.unwrap(wrapped, str(subject))
    except Unreadable:
        return False
    owner.execute(
        "update data_keys set wrapped = %s, master = %s where subject_id = %s",
        (keys.wrap(key, str(subject)), keys.current, subject),
    )
    return True
