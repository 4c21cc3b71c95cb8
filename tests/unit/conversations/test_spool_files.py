"""The spool's files: whole or not at all, on the disk before anybody relies on it, closed to everybody else."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from conversations import spool as spool_module
from conversations.kept import KeptMessage
from conversations.spool import Spool, Ticket
from core.crypto import Unreadable
from core.errors import ConfigurationError
from core.ids import ConversationId, InstitutionId, StudentId, TurnId, new_id
from core.sealed_box import OpeningKeys, SealingKey, new_pair
from safety.policy import Tier
from safety.script import advance, open_triage
from safety.triage.facts import InputKind, StudentFacts
from safety.types import Category, Evidence, Screening, Severity

PUBLIC, PRIVATE = new_pair()
SEALING, OPENING = SealingKey.from_setting(PUBLIC, "public"), OpeningKeys.from_setting(PRIVATE, "private")
NOW = datetime(2026, 11, 2, 3, 14, tzinfo=UTC)


def ticket() -> Ticket:
    return Ticket(new_id(), ConversationId(new_id()), InstitutionId(new_id()), NOW, Tier.PAGE_NOW, False)


def test_what_is_sealed_comes_back_to_the_private_key_alone(tmp_path: Path) -> None:
    spool, entry = Spool(tmp_path), ticket()
    spool.put(entry, b"private words", SEALING)
    assert spool.waiting() == [entry]
    assert spool.open(entry, OPENING) == b"private words"
    with pytest.raises(Unreadable):
        spool.open(entry, OpeningKeys.from_setting(new_pair()[1], "private"))


def test_the_clear_line_cannot_be_changed(tmp_path: Path) -> None:
    spool, entry = Spool(tmp_path), ticket()
    spool.put(entry, b"private words", SEALING)
    file = tmp_path / "spool" / f"{entry.name}.kept"
    file.write_bytes(file.read_bytes().replace(b"page_now", b"same_day"))
    [changed] = spool.waiting()
    with pytest.raises(Unreadable):
        spool.open(changed, OPENING)


def test_a_box_moved_under_another_name_does_not_open(tmp_path: Path) -> None:
    spool, one, other = Spool(tmp_path), ticket(), ticket()
    spool.put(one, b"private words", SEALING)
    spool.put(other, b"other words", SEALING)
    folder = tmp_path / "spool"
    (folder / f"{one.name}.kept").rename(folder / f"{other.name}.kept")
    with pytest.raises(Unreadable):
        spool.open(other, OPENING)


def synced_before_named(spool: Spool, entry: Ticket, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Put an entry and return what reached the disk in which order."""
    order: list[str] = []
    whole_sync, whole_rename = os.fsync, Path.rename

    def sync(descriptor: int) -> None:
        target = Path(f"/proc/self/fd/{descriptor}").readlink()
        order.append("folder" if target.is_dir() else "file")
        whole_sync(descriptor)

    def rename(self: Path, target: Any) -> Path:
        order.append("name")
        return whole_rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(spool_module.os, "fsync", sync)
        patch.setattr(Path, "rename", rename)
        spool.put(entry, b"private words", SEALING)
    return order


def check_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order = synced_before_named(Spool(tmp_path), ticket(), monkeypatch)
    assert order == ["folder", "file", "name", "folder"]


def test_the_content_is_on_the_disk_before_the_name_and_the_name_before_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_order(tmp_path, monkeypatch)


@pytest.mark.parametrize("bug", ["_sync", "_make"])
def test_a_folder_that_is_not_synced_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bug: str) -> None:
    (tmp_path / "spool").mkdir()
    monkeypatch.setattr(Spool, bug, lambda _: None)
    with pytest.raises(AssertionError):
        check_order(tmp_path, monkeypatch)


def test_a_write_that_breaks_off_leaves_nothing_that_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool, entry = Spool(tmp_path), ticket()

    def broken(_: int) -> None:
        raise OSError(28, "no space left")

    with monkeypatch.context() as patch:
        patch.setattr(spool_module.os, "fsync", broken)
        with pytest.raises(OSError, match="no space left"):
            spool.put(entry, b"private words", SEALING)
    assert spool.waiting() == []
    assert not spool.waits(entry.conversation)


def test_nobody_else_on_the_machine_reads_it(tmp_path: Path) -> None:
    spool, entry = Spool(tmp_path), ticket()
    spool.put(entry, b"private words", SEALING)
    folder = tmp_path / "spool"
    assert folder.stat().st_mode & 0o077 == 0
    assert all(file.stat().st_mode & 0o077 == 0 for file in folder.glob("*.kept"))


def test_a_line_of_another_version_is_named_and_left_alone(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "a.b.kept").write_bytes(b'{"layout": 99}\nsealed')
    assert spool.waiting() == []
    assert spool.unreadable() == ["a.b.kept"]


def test_a_message_comes_back_as_it_was_kept() -> None:
    quote = Evidence("lexicon", "test.rule", "words")
    screening = Screening(True, False, Category.SUICIDE, Severity.HIGH, 0.97, (quote,), "test-1", ("classifier",))
    facts = StudentFacts(region="US", cut_off=True, staffed_now=True)
    first = open_triage(screening, facts, NOW)
    assert first.state is not None
    second = advance(first.state, "yes", Screening(False, False, Category.NONE, Severity.NONE, 0, (), "t"), facts, NOW)
    for base, step in ((None, first), (first.state, second), (None, None)):
        kept = KeptMessage(
            ticket(), StudentId(new_id()), "key", InputKind.TEXT, "words", TurnId(new_id()), screening, base, step
        )
        assert KeptMessage.from_bytes(kept.ticket, kept.to_bytes()) == kept


def test_the_words_of_a_call_without_the_database_claim_no_more_than_is_true() -> None:
    facts = StudentFacts(region="US", cut_off=True, staffed_now=True)
    screening = Screening(True, False, Category.SUICIDE, Severity.HIGH, 0.97, (), "test-1")
    said = " ".join(open_triage(screening, facts, NOW).messages)
    assert "I'm sending word to" in said and "sending this conversation" not in said
    assert "only once it is back" in said and "I'll show you when it's opened" not in said


@pytest.mark.parametrize("text", ["", "not base64!", "c2hvcnQ="])
def test_a_key_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        OpeningKeys.from_setting(text, "COMPANION_SPOOL_PRIVATE_KEY")
