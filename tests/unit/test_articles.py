"""The articles of the knowledge base keep the format that `knowledge_base/README.md` promises."""

import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import textstat
import yaml
from textstat.backend.counts import _count_syllables as syllables

KNOWLEDGE_BASE = Path(__file__).parents[2] / "knowledge_base"
VOCABULARY: dict[str, dict[str, Any]] = yaml.safe_load((KNOWLEDGE_BASE / "topics.yaml").read_text())
SECTIONS = ("What it is", "Try this now", "Why it helps", "Cautions", "When to get help", "Sources")
FIELDS = {
    *("title", "slug", "topics", "skill", "approach", "audience", "cautions", "questions"),
    *("language", "status", "reviewed_by", "version", "sources"),
}
SOURCE_FIELDS = {"title", "author", "year", "url", "doi", "isbn", "opened", "used_for"}
MIN_WORDS, MAX_WORDS = 450, 850
# A passage holds 220 tokens of the encoder; words and marks come within 10 of them, and a list cut in two helps nobody.
MAX_SECTION_TOKENS = 215
# Hyphenation misses some syllables: these articles come out 0.4 to 0.9 grades lower than with a pronouncing
# dictionary. A limit of 8 here therefore keeps them below grade 9.
MAX_GRADE = 8.0

BANNED = {
    "pressure": r"\byou (?:should|must)\b|\byou need to\b|\bjust\b|\bat least\b|\bsimply\b",
    "false comfort": r"everything happens for a reason|understand exactly|calm down|always here for you",
    "shouting": r"!",
    "body numbers": r"\d\s*(?:kg|kilos?|pounds?|lbs?|calories|kcal)\b|\bBMI\b|\bcalori",
    "blame for dying": r"\bcommit(?:s|ted|ting)? suicide\b|\bfailed (?:suicide|attempt)",
    "claim of review": r"\breviewed by (?:a|our)\b|clinically (?:approved|proven)",
    "phone number": r"\b\d{3}[-\s]\d{3,4}\b|\bcall 988\b|\bcall 911\b",
}


@dataclass(frozen=True)
class Article:
    """One file: its front matter, its H1 and the text of each H2 section in the order of the file."""

    name: str
    meta: dict[str, Any]
    heading: str
    sections: tuple[tuple[str, str], ...]

    @property
    def prose(self) -> dict[str, str]:
        """What the student reads: every section but the sources, without Markdown marks."""
        return {
            name: re.sub(r"[*_`]", "", re.sub(r"^(?:\d+\.|-)\s+", "", text, flags=re.MULTILINE)).strip()
            for name, text in self.sections
            if name != "Sources"
        }


def _read(path: Path) -> Article:
    _, front, body = path.read_text(encoding="utf-8").split("---\n", 2)
    heading, *parts = re.split(r"^## (.+)\n", body.strip(), flags=re.MULTILINE)
    return Article(path.stem, yaml.safe_load(front), heading.strip(), tuple(zip(parts[::2], parts[1::2], strict=True)))


ARTICLES = [_read(path) for path in sorted((KNOWLEDGE_BASE / "articles").glob("*.md"))]
each = pytest.mark.parametrize("article", ARTICLES, ids=lambda article: article.name)


def _sentences(text: str) -> list[str]:
    """Sentences as bare lower-case words, so that punctuation hides no repetition; labels like 'Ask:' are not any."""
    pieces = (re.findall(r"[\w']+", piece.lower()) for piece in re.split(r"(?<=[.?:;])[\"”']?\s+|\n+", text))
    return [" ".join(words) for words in pieces if len(words) > 2]


@each
def test_front_matter_is_complete(article: Article) -> None:
    meta = article.meta
    assert set(meta) == FIELDS
    assert meta["slug"] == article.name
    assert meta["language"] == "en"
    assert isinstance(meta["version"], int)
    assert meta["skill"]
    assert meta["title"] and article.heading == f"# {meta['title']}"


@each
def test_draft_until_a_person_signs(article: Article) -> None:
    signed = article.meta["reviewed_by"] is not None
    assert article.meta["status"] == ("reviewed" if signed else "draft")


@each
def test_words_of_front_matter_come_from_the_vocabulary(article: Article) -> None:
    meta = article.meta
    assert meta["topics"] and set(meta["topics"]) <= set(VOCABULARY["topics"])
    assert meta["approach"] in VOCABULARY["approaches"]
    assert meta["audience"] and set(meta["audience"]) <= set(VOCABULARY["audiences"])
    assert set(meta["cautions"]) <= set(VOCABULARY["cautions"])


@each
def test_every_caution_tag_is_said_in_words(article: Article) -> None:
    text = article.prose["Cautions"]
    for tag in article.meta["cautions"]:
        assert any(word in text for word in VOCABULARY["cautions"][tag]["named_by"]), tag


def test_no_word_of_the_vocabulary_is_unused() -> None:
    for field, words in (("topics", "topics"), ("audience", "audiences"), ("cautions", "cautions")):
        assert set(chain.from_iterable(a.meta[field] for a in ARTICLES)) == set(VOCABULARY[words])


@each
def test_sections_are_present_and_in_order(article: Article) -> None:
    assert tuple(name for name, _ in article.sections) == SECTIONS
    assert all(text.strip() for _, text in article.sections)
    steps = re.findall(r"^(\d+)\. ", dict(article.sections)["Try this now"], flags=re.MULTILINE)
    assert [int(step) for step in steps] == list(range(1, len(steps) + 1)) and len(steps) >= 4


@each
def test_help_names_a_line_that_is_open_at_night(article: Article) -> None:
    assert re.search(r"crisis lines?\b", article.prose["When to get help"])


@each
def test_length(article: Article) -> None:
    assert MIN_WORDS <= len(" ".join(article.prose.values()).split()) <= MAX_WORDS


@each
def test_each_section_fits_one_passage(article: Article) -> None:
    for name, text in article.sections:
        if name != "Sources":
            assert len(re.findall(r"\w+|[^\w\s]", text)) <= MAX_SECTION_TOKENS, name


@each
def test_reading_grade(article: Article, monkeypatch: pytest.MonkeyPatch) -> None:
    # textstat would fetch its pronouncing dictionary from the network; without it, it counts by hyphenation.
    monkeypatch.setattr(syllables, "get_cmudict", lambda _language: None)
    assert textstat.flesch_kincaid_grade("\n".join(article.prose.values())) <= MAX_GRADE


@each
def test_questions_are_answered_by_a_section(article: Article) -> None:
    questions = article.meta["questions"]
    assert 4 <= len(questions) <= 6
    assert len({question["section"] for question in questions}) >= 3
    for question in questions:
        assert set(question) == {"ask", "section"}
        assert question["section"] in article.prose


def test_no_question_is_asked_twice() -> None:
    asked = [question["ask"] for article in ARTICLES for question in article.meta["questions"]]
    assert len(asked) == len(set(asked))


@each
def test_sources_are_named_with_what_is_taken(article: Article) -> None:
    listed = dict(article.sections)["Sources"]
    assert article.meta["sources"]
    for source in article.meta["sources"]:
        assert set(source) == SOURCE_FIELDS
        assert source["title"] and source["author"] and source["year"]
        assert len(source["used_for"].split()) >= 5
        assert isinstance(source["opened"], bool)
        assert source["title"] in listed and source["used_for"] in listed
    assert len(re.findall(r"^- ", listed, flags=re.MULTILINE)) == len(article.meta["sources"])


@each
@pytest.mark.parametrize("kind", BANNED)
def test_banned_phrases_are_absent(article: Article, kind: str) -> None:
    text = "\n".join([article.heading, *article.prose.values()])
    assert re.findall(BANNED[kind], text, flags=re.IGNORECASE) == []


def test_no_two_articles_share_a_sentence() -> None:
    where: dict[str, set[str]] = defaultdict(set)
    for article in ARTICLES:
        for sentence in _sentences("\n".join(article.prose.values())):
            where[sentence].add(article.name)
    shared = {sentence: names for sentence, names in where.items() if len(names) > 1}
    assert shared == {}
