"""`companion eval review`: how much of what may not be said review catches, and how much of the rest it lets through."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from core.proportion import Interval, wilson
from safety.review import ReviewContext, review_sentence
from safety.review_rules import TextKind
from safety.sentences import cut_sentences

FOLDER = Path(__file__).parent / "sentences"
ARTICLES = Path(__file__).parents[1] / "knowledge_base" / "articles"
TUNED, SEEN, MEASURED = ("a", "b", "c"), ("d",), ("e",)
"""Sets that the rules were changed to meet, one that was partly known when they were widened, and one written after that."""
Lines = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Figure:
    """A share with its Wilson interval."""

    hits: int
    total: int

    @property
    def share(self) -> float:
        return self.hits / self.total if self.total else 0.0

    @property
    def interval(self) -> Interval:
        return wilson(self.hits, self.total)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.share:.3f} ({self.hits}/{self.total}, {low:.3f} to {high:.3f})"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What review made of some lines."""

    caught: Mapping[str, Figure]
    """Kind of fault -> share of its lines that were caught by any rule."""
    flagged: Figure
    """Share of harmless lines that were replaced."""
    missed: tuple[str, ...]
    wrongly: tuple[str, ...]

    @property
    def recall(self) -> Figure:
        """Over all kinds of fault."""
        return Figure(sum(one.hits for one in self.caught.values()), sum(one.total for one in self.caught.values()))


def load(name: str, folder: Path = FOLDER) -> Lines:
    """Read a set of lines by kind; raises `OSError` when it is missing."""
    found: Lines = yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8"))
    return found


def measure(bad: Lines, good: Lines, kind: TextKind = TextKind.REPLY) -> Outcome:
    """Review every line by itself."""
    context = ReviewContext(kind)
    missed = {fault: [line for line in lines if review_sentence(line, context).ok] for fault, lines in bad.items()}
    fine = [line for lines in good.values() for line in lines]
    wrongly = [line for line in fine if not review_sentence(line, context).ok]
    return Outcome(
        {fault: Figure(len(lines) - len(missed[fault]), len(lines)) for fault, lines in bad.items()},
        Figure(len(wrongly), len(fine)),
        tuple(line for lines in missed.values() for line in lines),
        tuple(wrongly),
    )


def measure_set(names: Sequence[str]) -> Outcome:
    """Measure several packaged sets as one."""

    def merged(side: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in names:
            for kind, lines in load(f"{side}_{name}").items():
                found.setdefault(kind, []).extend(lines)
        return found

    return measure(merged("bad"), merged("good"))


def article_sentences(folder: Path = ARTICLES) -> list[str]:
    """Every sentence of the articles as retrieval shows them: without front matter and sources."""
    sentences: list[str] = []
    for path in sorted(folder.glob("*.md")):
        body = path.read_text(encoding="utf-8").split("---\n", 2)[2].split("\n## Sources")[0]
        whole, rest = cut_sentences(body, 1000)
        sentences += [sentence.strip() for sentence in (*whole, rest) if sentence.strip()]
    return sentences


def run(*, as_json: bool) -> None:
    """Print the figures, and the misses of the set that was not tuned on."""
    parts = {
        "tuned": measure_set(TUNED),
        "seen": measure_set(SEEN),
        "measured": measure_set(MEASURED),
        "articles, as passages": measure({}, {"articles": article_sentences()}, TextKind.PASSAGE),
        "articles, as replies": measure({}, {"articles": article_sentences()}),
    }
    for name, found in parts.items():
        if as_json:
            shown = {"set": name, "recall": found.recall.share, "flagged": found.flagged.share, "missed": found.missed}
            print(json.dumps(shown, ensure_ascii=False))  # noqa: T201  # what the command is for
            continue
        print(f"{name}\n  caught   {found.recall}\n  flagged  {found.flagged}")  # noqa: T201
        for fault, figure in found.caught.items():
            print(f"    {fault:<14} {figure}")  # noqa: T201
        for line in (*found.missed, *found.wrongly) if name == "measured" else found.wrongly:
            print(f"    - {line}")  # noqa: T201
