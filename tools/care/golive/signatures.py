"""Who of the institution signed which version of what is said and done in a crisis.

A version is what its files say: whoever changes a word makes a version that nobody has signed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from pathlib import Path

from core.errors import Conflict, InvalidInput, NotAllowed
from core.ids import new_id
from db.access import Role, Tx

_ROOT = Path(__file__).parents[3]


class Part(StrEnum):
    """What is signed as one."""

    SCRIPT = "script"
    """The script's words and questions, in every language."""
    POLICY = "policy"
    """Who is told of what, and how fast."""
    PEOPLE = "people"
    """What staff read: openers, notices, what answers mean."""
    LAW = "law"
    """What the law of the region adds; counsel confirms it."""

    @property
    def signed_by(self) -> Role:
        """Clinicians sign what is clinical; the operator records what counsel confirmed."""
        return Role.ADMIN if self is Part.LAW else Role.SUPERVISOR


FILES: Mapping[Part, tuple[str, ...]] = {
    Part.SCRIPT: ("safety/data/scripts/*.yaml",),
    Part.POLICY: ("safety/data/policy.toml",),
    Part.PEOPLE: ("tools/care/openers.yaml", "tools/care/notices.yaml", "tools/care/dossier/meanings.yaml"),
    Part.LAW: ("safety/data/law.toml",),
}


@dataclass(frozen=True, slots=True)
class Signed:
    """Where one part stands."""

    part: Part
    version: str
    """Of the files in force."""
    signed_as: str | None
    """Name and qualification, as the signer wrote them; None: this version is signed by nobody."""
    signed_at: datetime | None
    earlier: str | None
    """Who signed the last version before, where this one is unsigned."""


def files_of(part: Part) -> list[Path]:
    """Return the files of a part, in order."""
    return sorted(path for pattern in FILES[part] for path in _ROOT.glob(pattern))


@cache
def version_of(part: Part) -> str:
    """Return the version of the files in force: the first twelve digits of a digest over all of them."""
    digest = hashlib.sha256()
    for path in files_of(part):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


async def read_signatures(tx: Tx) -> tuple[Signed, ...]:
    """Return where every part stands at the acting person's campus."""
    cursor = await tx.conn.execute("select part, version, signed_as, signed_at from signatures order by signed_at")
    found = await cursor.fetchall()
    standing = []
    for part in Part:
        own = [row for row in found if row[0] == part]
        now = next((row for row in own if row[1] == version_of(part)), None)
        standing.append(
            Signed(
                part,
                version_of(part),
                now[2] if now else None,
                now[3] if now else None,
                own[-1][2] if own and not now else None,
            )
        )
    return tuple(standing)


async def sign(tx: Tx, part: Part, version: str, signed_as: str, *, at: datetime) -> None:
    """Sign a part as it was read.

    Raises `NotAllowed` for who may not, `InvalidInput` without a name, `Conflict` when it changed since it was read or is
    signed already.
    """
    if tx.who.role is not part.signed_by:
        who = "The operator records" if part is Part.LAW else "A supervisor signs"
        raise NotAllowed(f"{who} this part.")
    if not signed_as.strip():
        raise InvalidInput("Write name and qualification.")
    if version != version_of(part):
        raise Conflict("This part has changed since you read it. Read it again first.")
    made = await tx.conn.execute(
        "insert into signatures (id, institution_id, account_id, part, version, signed_as, signed_at)"
        " values (%s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
        (new_id(), tx.who.institution_id, tx.who.account_id, part, version, signed_as.strip(), at),
    )
    if made.rowcount == 0:
        raise Conflict("This version is signed already.")
