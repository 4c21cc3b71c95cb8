"""The spool: messages that came while the database was down, on the local disk, sealed until they are replayed.

One file a message, named by its time-ordered id and its conversation. The first line, in the clear, says which campus it
belongs to and whether people are called about it; the rest is sealed to a public key. A file is there whole or not at
all, and it is on the disk before anybody is told that the message is kept. Beside it lie the attempts to reach people.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from core.crypto import Unreadable
from core.errors import CompanionError
from core.ids import ConversationId, InstitutionId, new_id
from core.sealed_box import OpeningKeys, SealingKey
from safety.policy import Tier
from tools.care.direct import Attempt

KEPT, DONE, CALL = ".kept", ".done", ".call"
LAYOUT = 1


class SpoolBusy(CompanionError):
    """Another process replays the spool."""

    code = "spool_busy"


@dataclass(frozen=True, slots=True)
class Ticket:
    """What the clear line of an entry says; no word of a student is in it, and not who they are."""

    id: UUID
    conversation: ConversationId
    institution: InstitutionId
    at: datetime
    """When the message came."""
    tier: Tier
    """At which people are called about it directly; one that does not page: nobody is called before the replay."""
    confidential: bool

    @property
    def name(self) -> str:
        """Name of the entry's files, without the ending."""
        return f"{self.id}.{self.conversation}"

    def line(self) -> bytes:
        """The clear line; the sealed part is bound to it."""
        return orjson.dumps(
            {
                "layout": LAYOUT,
                "id": self.id,
                "conversation": self.conversation,
                "institution": self.institution,
                "at": self.at,
                "tier": self.tier.value,
                "confidential": self.confidential,
            }
        )

    @classmethod
    def read(cls, line: bytes) -> Ticket:
        """Read a clear line; raises `ValueError`, `KeyError` for any other."""
        data: dict[str, Any] = orjson.loads(line)
        if data["layout"] != LAYOUT:
            raise ValueError("a spool entry of another version")
        return cls(
            UUID(data["id"]),
            ConversationId(UUID(data["conversation"])),
            InstitutionId(UUID(data["institution"])),
            datetime.fromisoformat(data["at"]),
            Tier(data["tier"]),
            data["confidential"],
        )


class Spool:
    """The folder of one machine; several processes may write to it, one at a time replays it."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "spool"

    def put(self, ticket: Ticket, plain: bytes, key: SealingKey) -> None:
        """Keep an entry; when this returns it outlives a crash of the machine. Raises `OSError` when the disk refuses."""
        line = ticket.line()
        self._write(ticket.name + KEPT, line + b"\n" + key.seal(plain, line))

    def note(self, ticket: Ticket, attempt: Attempt) -> None:
        """Keep what became of one attempt to reach people about an entry."""
        self._write(f"{ticket.name}.{new_id()}{CALL}", orjson.dumps(attempt))

    def attempts(self, ticket: Ticket) -> list[Attempt]:
        """The attempts that were made about an entry, in order."""
        files = sorted(self._folder.glob(f"{ticket.name}.*{CALL}"))
        return [_attempt(orjson.loads(file.read_bytes())) for file in files]

    def waiting(self) -> list[Ticket]:
        """Every entry that is to be replayed, oldest first; a file that is none of ours is left out."""
        return list(self._tickets(KEPT))

    def replayed(self) -> list[Ticket]:
        """Entries that are replayed and kept a while for attempts that were under way meanwhile."""
        return list(self._tickets(DONE))

    def unreadable(self) -> list[str]:
        """Names of entries whose clear line this version cannot read."""
        return [name for name in self._names(KEPT) if self._ticket(name) is None]

    def waits(self, conversation: ConversationId) -> bool:
        """Whether something that was said in a conversation still waits for its replay."""
        ending = f".{conversation}{KEPT}"
        return any(name.endswith(ending) for name in self._names(KEPT))

    def holds(self, ticket: Ticket) -> bool:
        """Whether an entry still waits for its replay."""
        return (self._folder / (ticket.name + KEPT)).exists()

    def open(self, ticket: Ticket, keys: OpeningKeys) -> bytes:
        """Return what was sealed, replayed or not; raises `Unreadable` when no key fits or the file was changed."""
        try:
            content = (self._folder / (ticket.name + KEPT)).read_bytes()
        except FileNotFoundError:
            content = (self._folder / (ticket.name + DONE)).read_bytes()
        line, _, sealed = content.partition(b"\n")
        if line != ticket.line():
            raise Unreadable
        return keys.open(sealed, line)

    def finish(self, ticket: Ticket) -> None:
        """Mark an entry as replayed."""
        (self._folder / (ticket.name + KEPT)).rename(self._folder / (ticket.name + DONE))
        self._sync()

    def finished_at(self, ticket: Ticket) -> float:
        """When an entry was marked as replayed, in seconds since the epoch."""
        return (self._folder / (ticket.name + DONE)).stat().st_ctime

    def forget(self, ticket: Ticket) -> None:
        """Remove an entry that is replayed, with its attempts."""
        for file in self._folder.glob(f"{ticket.name}.*"):
            if file.suffix in (DONE, CALL):
                file.unlink(missing_ok=True)
        self._sync()

    @contextmanager
    def replaying(self) -> Iterator[None]:
        """Hold the right to replay; raises `SpoolBusy` when another process has it. A dead holder holds nothing."""
        self._make()
        with (self._folder / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise SpoolBusy from error
            yield

    def _tickets(self, ending: str) -> Iterator[Ticket]:
        for name in self._names(ending):
            ticket = self._ticket(name)
            if ticket is not None:
                yield ticket

    def _names(self, ending: str) -> list[str]:
        return sorted(file.name for file in self._folder.glob(f"*{ending}"))

    def _ticket(self, name: str) -> Ticket | None:
        try:
            with (self._folder / name).open("rb") as file:
                return Ticket.read(file.readline().rstrip(b"\n"))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None  # Replayed this moment, or not ours to read: `unreadable` names it.

    def _write(self, name: str, content: bytes) -> None:
        """Write a file whole or not at all, and be sure that it is on the disk."""
        self._make()
        temporary = self._folder / f"{new_id()}.new"
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(self._folder / name)
        self._sync()

    def _make(self) -> None:
        if not self._folder.is_dir():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sync_folder(self._folder.parent)

    def _sync(self) -> None:
        _sync_folder(self._folder)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _attempt(data: dict[str, Any]) -> Attempt:
    return Attempt(**(data | {"at": datetime.fromisoformat(data["at"])}))
