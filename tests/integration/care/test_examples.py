"""What screening got wrong becomes a test of it: with consent only, masked, read, and gone when the student says so."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from typer.testing import CliRunner

from cli import main as cli_main
from conversations import history
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.ids import CaseId, ConversationId, new_id
from core.settings import Settings
from db.access import Acting
from evals.safety import read_rows
from safety.types import Category, Severity
from tests.integration.care.conftest import CLEAR, Campus, crisis
from tests.integration.care.test_counselor import act, claim
from tools.care.access import Seen, accesses
from tools.care.delivery import WorkerApp
from tools.care.examples.export import exported_rows
from tools.care.examples.keeping import (
    Candidate,
    ExampleKind,
    StillTelling,
    keep_example,
    misread_candidates,
    miss_candidate,
)
from tools.people.consent import ConsentKind, consent_texts, give_consent, read_consent, withdraw_consent

SONG = "there's this song Priya showed me at Hill, it goes i will kill myself on 11/3, call 555-010-0199"
MASKED = "there's this song [name] showed me at [name], it goes i will kill myself on [date], call [number]"
EXAMPLES = ConsentKind.EXAMPLES
VERSION = consent_texts()[EXAMPLES].version


async def agree(campus: Campus, who: Acting | None = None) -> None:
    who = who or campus.people.maya
    await act(campus, who, lambda tx: give_consent(tx, EXAMPLES, VERSION, at=campus.clock.now()))


async def take_back(campus: Campus) -> None:
    await act(campus, campus.people.maya, lambda tx: withdraw_consent(tx, EXAMPLES, at=campus.clock.now()))


async def case_with(campus: Campus, *, also: str = "") -> tuple[ConversationId, CaseId]:
    """A case of Rosa's that a song opened, after a message that was not flagged."""
    conversation = await campus.begin(campus.people.maya)
    if also:
        await campus.say(conversation, also, CLEAR)
    await campus.say(conversation, SONG, crisis())
    case = await campus.case_of(conversation)
    await claim(campus, case)
    return conversation, case


async def candidates(campus: Campus, case: CaseId, who: Acting | None = None) -> Sequence[Candidate]:
    who = who or campus.people.rosa
    return await act(campus, who, lambda tx: misread_candidates(tx, case, at=campus.clock.now()))


async def keep(
    campus: Campus,
    case: CaseId,
    message: UUID,
    lines: Sequence[str],
    kind: ExampleKind = ExampleKind.MISREAD,
    category: Category = Category.NONE,
    severity: Severity = Severity.NONE,
    who: Acting | None = None,
) -> UUID:
    return await act(
        campus,
        who or campus.people.rosa,
        lambda tx: keep_example(
            tx, case, message, kind, lines, category=category, severity=severity, at=campus.clock.now()
        ),
    )


async def exported(worker: WorkerApp) -> list[str]:
    return [row async for row in exported_rows(worker.desk.db)]


def stored(campus: Campus) -> tuple[int, int, int]:
    """Examples, facts about examples in cases, looks for examples."""
    return (
        campus.count("examples"),
        len(campus.rows("select 1 from case_events where kind = 'example_kept'")),
        len(campus.rows("select 1 from access_log where what = 'example'")),
    )


def message_of(campus: Campus, number: int) -> UUID:
    rows = campus.rows("select id from messages where author = 'student' order by seq")
    return UUID(str(rows[number]["id"]))


async def test_without_consent_nothing_is_stored(campus: Campus, worker: WorkerApp) -> None:
    _, case = await case_with(campus, also="i counted my pills")
    with pytest.raises(Conflict, match="not agreed"):
        await candidates(campus, case)
    with pytest.raises(Conflict, match="not agreed"):
        await keep(campus, case, message_of(campus, 1), [MASKED])
    with pytest.raises(Conflict, match="not agreed"):
        await keep(
            campus,
            case,
            message_of(campus, 0),
            ["i counted my pills"],
            ExampleKind.MISS,
            Category.SUICIDE,
            Severity.HIGH,
        )
    assert stored(campus) == (0, 0, 0)
    assert await exported(worker) == []


async def test_the_database_takes_no_example_without_consent_or_of_another_campus(campus: Campus) -> None:
    """Row-level security alone, without the code above it."""
    conversation, _ = await case_with(campus)
    maya, rosa, foreign = campus.people.maya, campus.people.rosa, campus.people.foreign_counselor

    async def insert(who: Acting, as_kept_by: Acting | None = None) -> None:
        async with campus.db.acting(who) as tx:
            await tx.conn.execute(
                "insert into examples (id, student_id, institution_id, conversation_id, kind, row_sealed,"
                " screening_version, kept_by, kept_at) values (%s, %s, %s, %s, 'misread', '\\x00', '1', %s, now())",
                (new_id(), maya.account_id, who.institution_id, conversation, (as_kept_by or who).account_id),
            )

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await insert(rosa)
    await agree(campus)
    for who, named in ((foreign, None), (maya, None), (campus.people.operator, None), (rosa, campus.people.sam)):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await insert(who, named)
    await insert(rosa)
    await take_back(campus)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await insert(rosa)
    assert campus.count("examples") == 0


async def test_a_misread_is_kept_masked_and_read_as_a_row_of_the_eval(
    campus: Campus, worker: WorkerApp, tmp_path: Path
) -> None:
    await agree(campus)
    conversation, case = await case_with(campus)
    [found] = await candidates(campus, case)
    assert (found.lines, found.unsure) == ((MASKED,), False)
    await keep(campus, case, found.message_id, found.lines)
    [kept] = campus.rows("select row_sealed from examples")
    assert b"song" not in kept["row_sealed"]
    [row] = await exported(worker)
    (tmp_path / "rows.jsonl").write_text(row + "\n")
    [read] = read_rows(tmp_path / "rows.jsonl")
    assert (read.turns, read.crisis, read.category, read.severity) == (((True, MASKED),), False, "none", 0)
    for secret in ("Priya", "Hill", "555", "maya", str(campus.people.maya.account_id), str(conversation), str(case)):
        assert secret.lower() not in row.lower()
    looks = await act(campus, campus.people.maya, lambda tx: accesses(tx, conversation))
    assert {(look.who, look.what) for look in looks} == {("Rosa", Seen.EXAMPLE)}


async def test_what_may_still_tell_who_wrote_it_is_not_kept(campus: Campus) -> None:
    await agree(campus)
    _, case = await case_with(campus)
    [found] = await candidates(campus, case)
    with pytest.raises(StillTelling) as refused:
        await keep(campus, case, found.message_id, [SONG])
    assert refused.value.lines == (MASKED,)
    for empty in ([""], ["  "], ["x" * 9000]):
        with pytest.raises(InvalidInput):
            await keep(campus, case, found.message_id, empty)
    assert campus.count("examples") == 0


async def test_a_miss_says_what_it_was(campus: Campus, worker: WorkerApp, tmp_path: Path) -> None:
    await agree(campus)
    _, case = await case_with(campus, also="i counted my pills again")
    missed = message_of(campus, 0)
    found = await act(campus, campus.people.rosa, lambda tx: miss_candidate(tx, case, missed, at=campus.clock.now()))
    assert found.lines == ("i counted my pills again",)
    with pytest.raises(InvalidInput):
        await keep(campus, case, missed, found.lines, ExampleKind.MISS)
    await keep(campus, case, missed, found.lines, ExampleKind.MISS, Category.SUICIDE, Severity.HIGH)
    (tmp_path / "rows.jsonl").write_text("\n".join(await exported(worker)))
    [read] = read_rows(tmp_path / "rows.jsonl")
    assert (read.crisis, read.category, read.severity) == (True, "suicide", Severity.HIGH.rank)


async def test_only_the_holder_keeps_and_only_of_this_conversation(campus: Campus) -> None:
    await agree(campus)
    _, case = await case_with(campus)
    other = await campus.begin(campus.people.maya)
    await campus.say(other, "another talk", CLEAR)
    elsewhere = campus.rows("select id from messages where conversation_id = %s", other)[0]["id"]
    [found] = await candidates(campus, case)
    with pytest.raises(Conflict):
        await keep(campus, case, found.message_id, found.lines, who=campus.people.sam)
    with pytest.raises(Conflict):
        await candidates(campus, case, campus.people.sam)
    with pytest.raises(NotFound):
        await candidates(campus, case, campus.people.foreign_counselor)
    for kind in ExampleKind:
        with pytest.raises(NotFound):
            await keep(campus, case, elsewhere, ["another talk"], kind, Category.SUICIDE, Severity.HIGH)
    with pytest.raises(NotFound):
        await keep(campus, case, found.message_id, found.lines, ExampleKind.MISS, Category.SUICIDE, Severity.HIGH)
    assert campus.count("examples") == 0


async def test_taking_it_back_deletes_what_was_kept(campus: Campus, worker: WorkerApp) -> None:
    await agree(campus)
    _, case = await case_with(campus)
    [found] = await candidates(campus, case)
    await keep(campus, case, found.message_id, found.lines)
    standing = await act(campus, campus.people.maya, lambda tx: read_consent(tx, EXAMPLES))
    assert (standing.given_at is not None, standing.kept) == (True, 1)
    await take_back(campus)
    assert campus.count("examples") == 0
    assert await exported(worker) == []
    await agree(campus)
    assert await exported(worker) == []
    assert [row["withdrawn_at"] is None for row in campus.rows("select withdrawn_at from consents order by given_at")] == [
        False, True,
    ]  # fmt: skip


async def test_an_example_goes_with_its_conversation(campus: Campus) -> None:
    from tests.integration.care.test_counselor import close  # noqa: PLC0415
    from tools.care.outcomes import Outcome  # noqa: PLC0415

    await agree(campus)
    conversation, case = await case_with(campus)
    [found] = await candidates(campus, case)
    await keep(campus, case, found.message_id, found.lines)
    await close(campus, case, Outcome.MISREAD)
    assert campus.count("examples") == 1
    await act(
        campus,
        campus.people.maya,
        lambda tx: history.delete_conversation(tx, conversation, at=campus.clock.now()),
    )
    assert campus.count("examples") == 0


@pytest.mark.parametrize("age_band", ["under_16", "16_17", None])
async def test_nobody_under_18_is_asked(campus: Campus, age_band: str | None) -> None:
    campus.change("update profiles set age_band = %s where account_id = %s", age_band, campus.people.maya.account_id)
    with pytest.raises(NotAllowed):
        await agree(campus)
    assert not (await act(campus, campus.people.maya, lambda tx: read_consent(tx, EXAMPLES))).may_give
    assert campus.count("consents") == 0


async def test_an_old_text_is_not_agreed_to(campus: Campus) -> None:
    with pytest.raises(Conflict):
        await act(campus, campus.people.maya, lambda tx: give_consent(tx, EXAMPLES, "2020-1", at=campus.clock.now()))
    for who in (campus.people.rosa, campus.people.operator):
        with pytest.raises(NotAllowed):
            await agree(campus, who)
    assert campus.count("consents") == 0


async def test_the_command_writes_a_file_once(
    campus: Campus, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await agree(campus)
    _, case = await case_with(campus)
    [found] = await candidates(campus, case)
    await keep(campus, case, found.message_id, found.lines)
    monkeypatch.setattr(cli_main, "load_settings", lambda: settings)
    out = tmp_path / "examples.jsonl"

    def run(*more: str) -> int:
        return CliRunner().invoke(cli_main.app, ["care", "export-evals", "--out", str(out), *more]).exit_code

    assert await asyncio.to_thread(run, "--campus", "valley") == 0
    assert out.read_text() == ""
    out.unlink()
    assert await asyncio.to_thread(run) == 0
    assert len(read_rows(out)) == 1
    assert await asyncio.to_thread(run) == 1
