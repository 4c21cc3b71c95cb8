"""Scores screening on labelled messages and conversations: `companion eval safety --data FILE [--json]`.

A row is `{"id", "text" | "turns": [{"role", "content"}], "crisis"?, "category"?, "severity"?}`. Of a conversation every
student turn is screened in order with what came before; the conversation counts as its worst turn, and `--last` judges
its last student turn alone. `severity` may be a name or a C-SSRS grade from 0 to 6.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.proportion import wilson
from evals import statistics
from safety.screen import Screener
from safety.types import PriorTurn, Screening, ScreeningContext, Severity

STUDENT_ROLES = frozenset({"student", "user", "human"})
_BY_CSSRS = (0, 1, 1, 2, 3, 3, 3)
"""Severity rank of a C-SSRS grade: wish and thoughts low, method moderate, intent, plan and behaviour high."""
_EVIDENCE = 4


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled message or conversation."""

    id: str
    turns: tuple[tuple[bool, str], ...]
    """Whether a student said it, and what."""
    crisis: bool | None
    category: str | None
    severity: int | None
    """Rank, 0 (none) to 4 (imminent)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What screening said of a row."""

    row: Row
    screening: Screening
    milliseconds: float
    """Time to screen the slowest turn."""


class BadRow(ValueError):
    """A line of the data file is not a row."""


def read_rows(data: Path) -> list[Row]:
    """Read a JSONL file. Raises `BadRow` with the line number."""
    rows = []
    for number, line in enumerate(data.read_text("utf-8").split("\n"), 1):
        if line.strip():
            try:
                rows.append(_row(json.loads(line), number))
            except (ValueError, KeyError, TypeError, IndexError) as error:
                raise BadRow(f"{data.name}:{number}: {error!r}") from error
    return rows


def score(rows: Iterable[Row], screener: Screener, last: bool = False) -> Iterator[Outcome]:
    """Screen every row; `last` takes a conversation's last student turn instead of its worst."""
    for row in rows:
        prior: list[PriorTurn] = []
        found: list[tuple[Screening, float]] = []
        for by_student, text in row.turns:
            if not by_student:
                prior.append(PriorTurn("companion", text))
                continue
            begun = time.perf_counter()
            screening = screener.screen(text, ScreeningContext(prior=tuple(prior)))
            found.append((screening, (time.perf_counter() - begun) * 1000))
            signal = screening.crisis or screening.clarify
            prior.append(
                PriorTurn("student", text, screening.severity if signal else Severity.NONE, screening.category)
            )
        worst = found[-1][0] if last else max((screening for screening, _ in found), key=_urgency)
        yield Outcome(row, worst, max(milliseconds for _, milliseconds in found))


def as_line(outcome: Outcome) -> str:
    """Return the outcome as one JSON line: id, crisis, clarify, category, severity, score, evidence, ms."""
    screening = outcome.screening
    evidence = [
        {"layer": item.layer, "rule": item.rule, "quote": item.quote} for item in screening.evidence[:_EVIDENCE]
    ]
    return json.dumps(
        {
            "id": outcome.row.id,
            "crisis": screening.crisis,
            "clarify": screening.clarify,
            "category": screening.category,
            "severity": screening.severity,
            "score": round(screening.score, 6),
            "evidence": evidence,
            "ms": round(outcome.milliseconds, 3),
        },
        ensure_ascii=False,
    )


def report(outcomes: Sequence[Outcome], misses: int = 20) -> str:
    """Return the figures as text: misses first, then rates with 95 % intervals, ranking, calibration, confusion."""
    labelled = [outcome for outcome in outcomes if outcome.row.crisis is not None]
    parts = [_misses(labelled, misses), _rates(labelled), _ranking(labelled), _kappa(outcomes), _confusion(outcomes)]
    times = np.array([outcome.milliseconds for outcome in outcomes] or [0.0])
    degraded = Counter(name for outcome in outcomes for name in outcome.screening.degraded)
    version = outcomes[0].screening.version if outcomes else "-"
    footer = (
        f"rows {len(outcomes)}   ms p50 {np.percentile(times, 50):.1f} p95 {np.percentile(times, 95):.1f}   {version}"
    )
    if degraded:
        footer += f"\nDEGRADED: {dict(degraded)}"
    return "\n".join([part for part in parts if part] + [footer])


def run(data: Path, as_json: bool, screener: Screener, last: bool = False) -> int:
    """Score a file and print lines or the report; return 0, or 2 when the file is not readable as rows."""
    try:
        rows = read_rows(data)
    except (BadRow, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    outcomes = score(rows, screener, last)
    if as_json:
        for outcome in outcomes:
            sys.stdout.write(as_line(outcome) + "\n")
    else:
        sys.stdout.write(report(list(outcomes)) + "\n")
    return 0


def _row(raw: Mapping[str, Any], number: int) -> Row:
    said = [(turn["role"] in STUDENT_ROLES, str(turn["content"])) for turn in raw["turns"]] if "turns" in raw else []
    turns = tuple(said) or ((True, str(raw["text"])),)
    if not any(by_student for by_student, _ in turns):
        raise ValueError("no student turn")
    grade = raw.get("severity", raw.get("cssrs"))
    severity = None if grade is None else _BY_CSSRS[grade] if isinstance(grade, int) else Severity(grade or "none").rank
    crisis = raw.get("crisis")
    return Row(
        str(raw.get("id", number)), turns, None if crisis is None else bool(crisis), raw.get("category"), severity
    )


def _urgency(screening: Screening) -> tuple[bool, bool, int, float]:
    return screening.crisis, screening.clarify, screening.severity.rank, screening.score


def _misses(outcomes: Sequence[Outcome], limit: int) -> str:
    missed = [outcome for outcome in outcomes if outcome.row.crisis and not outcome.screening.crisis]
    flagged = [outcome for outcome in outcomes if not outcome.row.crisis and outcome.screening.crisis]
    lines = [f"missed {len(missed)}"]
    lines += [f"  - {_describe(outcome)}" for outcome in sorted(missed, key=lambda o: o.screening.score)[:limit]]
    lines += [f"falsely flagged {len(flagged)}"]
    lines += [f"  - {_describe(outcome)}" for outcome in sorted(flagged, key=lambda o: -o.screening.score)[:limit]]
    return "\n".join(lines)


def _describe(outcome: Outcome) -> str:
    said = outcome.row.turns[-1][1].replace("\n", " ")[:100]
    clarify = " asks" if outcome.screening.clarify else ""
    return f"{outcome.row.id} {outcome.screening.score:.3f}{clarify} {outcome.row.category or ''} {said}"


def _rates(outcomes: Sequence[Outcome]) -> str:
    positive = [outcome for outcome in outcomes if outcome.row.crisis]
    grave = [outcome for outcome in positive if (outcome.row.severity or 0) >= Severity.HIGH.rank]
    negative = [outcome for outcome in outcomes if not outcome.row.crisis]
    return "\n".join(
        [
            _share("recall", positive, lambda o: o.screening.crisis),
            _share("recall, a question counted", positive, lambda o: o.screening.crisis or o.screening.clarify),
            _share("missed at high or imminent", grave, lambda o: not o.screening.crisis),
            _share("false positives", negative, lambda o: o.screening.crisis),
            _share("false positives, a question counted", negative, lambda o: not o.screening.clear),
        ]
    )


def _share(name: str, outcomes: Sequence[Outcome], holds: Callable[[Outcome], bool]) -> str:
    hits = sum(holds(outcome) for outcome in outcomes)
    low, high = wilson(hits, len(outcomes))
    value = f"{hits / len(outcomes):.4f}" if outcomes else "-"
    return f"{name:36} {value}  [{low:.4f}, {high:.4f}]  {hits}/{len(outcomes)}"


def _ranking(outcomes: Sequence[Outcome]) -> str:
    if not outcomes:
        return ""
    truth = np.array([bool(outcome.row.crisis) for outcome in outcomes])
    scores = np.array([outcome.screening.score for outcome in outcomes])
    measures: dict[str, Callable[[NDArray[np.intp]], float]] = {
        "recall at .05 false positives": lambda index: statistics.recall_at(truth[index], scores[index], 0.05),
        "AUROC": lambda index: statistics.auroc(truth[index], scores[index]),
        "Brier": lambda index: statistics.brier(truth[index], scores[index]),
        "expected calibration error": lambda index: statistics.calibration_error(truth[index], scores[index]),
    }
    lines = []
    for name, measure in measures.items():
        low, high = statistics.bootstrap(measure, len(outcomes))
        lines.append(f"{name:36} {measure(np.arange(len(outcomes))):.4f}  [{low:.4f}, {high:.4f}]")
    return "\n".join(lines)


def _kappa(outcomes: Sequence[Outcome]) -> str:
    graded = [outcome for outcome in outcomes if outcome.row.severity is not None]
    if not graded:
        return ""
    human = np.array([outcome.row.severity for outcome in graded])
    ours = np.array([_grade(outcome.screening) for outcome in graded])

    def measure(index: NDArray[np.intp]) -> float:
        return statistics.weighted_kappa(human[index], ours[index], len(Severity))

    low, high = statistics.bootstrap(measure, len(graded))
    table = Counter(zip(human.tolist(), ours.tolist(), strict=True))
    lines = [
        f"{'severity kappa, quadratic weights':36} {measure(np.arange(len(graded))):.4f}  [{low:.4f}, {high:.4f}]",
        "severity (rows: human; columns: screened none low moderate high imminent)",
    ]
    return "\n".join(
        lines + [f"  {list(Severity)[i]:9}" + "".join(f"{table[i, j]:6}" for j in range(5)) for i in range(5)]
    )


def _grade(screening: Screening) -> int:
    return screening.severity.rank if screening.crisis else 0


def _confusion(outcomes: Sequence[Outcome]) -> str:
    named = [outcome for outcome in outcomes if outcome.row.category is not None]
    if not named:
        return ""
    pairs = Counter((str(o.row.category), o.screening.category.value if o.screening.crisis else "none") for o in named)
    lines = ["category (human: screened)"]
    for category in sorted({human for human, _ in pairs}):
        answers = sorted(((count, ours) for (human, ours), count in pairs.items() if human == category), reverse=True)
        lines.append(f"  {category:18} " + "  ".join(f"{ours} {count}" for count, ours in answers))
    return "\n".join(lines)
