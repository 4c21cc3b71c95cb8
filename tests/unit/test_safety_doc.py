"""The safety page names only what exists: every file, every test, and no figure of its own."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/safety.md").read_text(encoding="utf-8")
ENDINGS = "py|md|sql|yaml|toml|js|sh|html|jsonl"
FILE = re.compile(rf"`((?:[\w.-]+/)+[\w.-]+\.(?:{ENDINGS}))`")
TEST = re.compile(r"`([\w./-]+\.py)::(\w+)`")
FIGURE = re.compile(r"\.\d+ \[\.\d+, \.\d+\]")
SEEDED = re.compile(r"_(?:noticed|caught|seen)$")
"""How a test is named that seeds a bug."""
LETTERS = "STRIDE"


@cache
def functions(file: str) -> frozenset[str]:
    """Names of all functions of a Python file."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def missing(page: str) -> list[str]:
    """What a page names and nobody wrote."""
    files = {found for found in FILE.findall(page) if not (ROOT / found).is_file()}
    tests = {
        f"{file}::{name}"
        for file, name in TEST.findall(page)
        if not (ROOT / file).is_file() or name not in functions(file)
    }
    return sorted(files | tests)


def rows(page: str, first: str) -> list[list[str]]:
    """The cells of the table whose head begins with a word."""
    body = page.split(f"\n| {first} |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in body]


def block(page: str, title: str) -> str:
    """What stands under a heading of the third level."""
    return page.split(f"\n### {title}\n", 1)[1].split("\n## ", 1)[0].split("\n### ", 1)[0]


def faulty_hazards(page: str) -> list[str]:
    """Hazards whose block lacks a field, or says something else on seeded bugs than the table."""
    found = []
    for number, hazard, seeded, _ in rows(page, "no."):
        text = block(page, f"{number}. {hazard}")
        fields = [text.find(f"- **{name}:**") for name in ("Control", "Test", "Seeded bug", "Residual risk")]
        names = [name for _, name in TEST.findall(text[fields[2] : fields[3]])]
        proven = any(SEEDED.search(name) for name in names)
        if -1 in fields or fields != sorted(fields) or (seeded == "yes") != proven or (seeded == "none") == bool(names):
            found.append(number)
    return found


def faulty_threats(page: str) -> list[str]:
    """Cells of the threat model that claim more, or something else, than their block shows."""
    found = []
    for boundary, *cells in rows(page, "boundary"):
        entries = re.split(r"^- \*\*", block(page, boundary), flags=re.M)[1:]
        told = {entry[0]: entry for entry in entries}
        for letter, cell in zip(LETTERS, cells, strict=True):
            names = [name for _, name in TEST.findall(told.get(letter, ""))]
            backed = {
                "·": letter not in told,
                "none": not names,
                "code": not names,
                "test": bool(names),
                "bug": any(SEEDED.search(name) for name in names),
            }[cell]
            if not backed or (cell != "·" and f"({cell})" not in told.get(letter, "")):
                found.append(f"{boundary} {letter}")
    return found


def test_every_file_and_test_that_the_page_names_exists() -> None:
    assert len(FILE.findall(PAGE)) > 60 and len(TEST.findall(PAGE)) > 100
    assert missing(PAGE) == []


def test_every_hazard_has_its_four_fields_and_claims_no_seeded_bug_that_it_does_not_name() -> None:
    assert len(rows(PAGE, "no.")) >= 25
    assert faulty_hazards(PAGE) == []


def test_every_cell_of_the_threat_model_is_backed_by_its_entry() -> None:
    assert len(rows(PAGE, "boundary")) == 10
    assert faulty_threats(PAGE) == []


def test_a_figure_stands_where_it_was_measured_too() -> None:
    measured = (ROOT / "docs/screening.md").read_text(encoding="utf-8")
    figures = FIGURE.findall(PAGE)
    assert figures
    assert [figure for figure in figures if figure not in measured] == []


def test_the_failures_come_first() -> None:
    assert PAGE.index("## Known not to work") < PAGE.index("## Hazards") < PAGE.index("## Threat model")


@pytest.mark.parametrize(
    "lie",
    [
        "`safety/no_such_module.py`",
        "`tests/unit/no_such_file.py::test_anything`",
        "`tests/unit/test_house.py::test_nobody_wrote_this`",
    ],
)
def test_what_does_not_exist_is_noticed(lie: str) -> None:
    assert missing(f"{PAGE}\n{lie}\n") == [lie.strip("`")]


def test_a_proof_that_is_claimed_and_not_named_is_noticed() -> None:
    number, hazard, *_ = rows(PAGE, "no.")[0]
    text = block(PAGE, f"{number}. {hazard}")
    start, end = text.index("- **Seeded bug:**"), text.index("- **Residual risk:**")
    assert faulty_hazards(PAGE.replace(text, f"{text[:start]}- **Seeded bug:** none.\n{text[end:]}")) == [number]
    assert faulty_threats(PAGE.replace("| Redis | code |", "| Redis | bug |")) == ["Redis S"]
