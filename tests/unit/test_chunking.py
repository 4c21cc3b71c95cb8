"""Documents are read tolerantly and cut with exact offsets."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.chunking import LEAST_TOKENS, PASSAGE_TOKENS, chunk, sections_of
from rag.documents import Document, Status, parse_document
from rag.errors import InvalidDocument

ARTICLE = """---
title: Starting small
slug: starting-small
topics: [procrastination]
skill: ten-minute start
cautions: [adhd]
questions:
  - {ask: i cant get going, section: Try this now}
  - {ask: why do i put it off, section: What it is}
status: draft
reviewed_by: null
version: 3
sources:
  - {title: A book, author: Somebody, year: n.d., opened: false}
---

# Starting small

## What it is

Putting off is a way to dodge a feeling.

## Try this now

1. Open the file.
2. Set a timer for ten minutes.

### If it is late

Close the file.

## Sources

- A book
"""


def words(text: str) -> int:
    return len(text.split())


def test_front_matter_is_read() -> None:
    document = parse_document(ARTICLE, "some-file")
    assert document.slug == "starting-small"
    assert document.skill == "ten-minute start"
    assert document.audience == ("all",)
    assert document.cautions == ("adhd",)
    assert document.status is Status.DRAFT
    assert document.version == 3
    assert document.sources[0].opened is False


def test_plain_text_of_an_institution_needs_no_front_matter() -> None:
    document = parse_document("# Where to eat late\n\nThe north hall, until 2.", "late_food")
    assert (document.slug, document.title) == ("late-food", "Where to eat late")
    (passage,) = chunk(document, words)
    assert passage.heading_path == ("Where to eat late",)
    assert passage.text == "The north hall, until 2."


def test_unknown_fields_are_left_alone() -> None:
    assert parse_document("---\ntitle: T\nowner: Residence life\n---\nText", "t").title == "T"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("---\ntitle: [\n---\nText", "not valid YAML"),
        ("---\n- a\n---\nText", "not a list of fields"),
        ("---\nversion: soon\n---\nText", "version"),
        ("---\ntitle: T\n---\n  \n", "no text"),
        ("---\nstatus: reviewed\n---\nText", "names nobody"),
        ("a\x00b", "not text"),
    ],
)
def test_errors_say_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(InvalidDocument, match=says):
        parse_document(text, "broken")


def test_sections_follow_headings_and_questions_their_section() -> None:
    passages = chunk(parse_document(ARTICLE, "x"), words)
    assert [(p.section, p.heading_path[1:], p.questions) for p in passages] == [
        ("what-it-is", ("What it is",), ("why do i put it off",)),
        ("try-this-now", ("Try this now",), ("i cant get going",)),
        ("if-it-is-late", ("Try this now", "If it is late"), ()),
    ]
    assert passages[0].contextual_text == "Starting small > What it is\nPutting off is a way to dodge a feeling."


def test_sources_have_a_section_but_no_passage() -> None:
    document = parse_document(ARTICLE, "x")
    assert sections_of(document)[-1].slug == "sources"
    assert "sources" not in {p.section for p in chunk(document, words)}


def test_repeated_headings_get_their_own_anchor() -> None:
    document = parse_document("# T\n\n## Day\n\na\n\n## Day\n\nb", "t")
    assert [p.section for p in chunk(document, words)] == ["day", "day-2"]


def test_a_heading_inside_code_is_not_a_heading() -> None:
    document = parse_document("# T\n\n```\n## not one\n```\n", "t")
    assert [p.section for p in chunk(document, words)] == ["t"]


def test_a_question_for_a_missing_section_is_an_error() -> None:
    with pytest.raises(InvalidDocument, match="nowhere"):
        chunk(parse_document(ARTICLE.replace("section: What it is", "section: Nowhere"), "x"), words)


def test_a_long_section_is_split_within_the_budget_and_keeps_its_anchor() -> None:
    body = "# T\n\n## Long\n\n" + "\n\n".join(f"Sentence {i} has quite a few words in it." for i in range(100))
    document = parse_document(body, "t")
    passages = chunk(document, words)
    assert len(passages) > 1
    assert {p.section for p in passages} == {"long"}
    assert [p.position for p in passages] == list(range(len(passages)))
    assert all(words(p.text) <= PASSAGE_TOKENS for p in passages)


def test_a_heading_path_longer_than_the_encoder_sees_still_leaves_room_for_text() -> None:
    document = dataclasses.replace(parse_document("text " * 500, "t"), title="word " * 300)
    assert all(words(p.text) <= LEAST_TOKENS for p in chunk(document, words))


@given(
    st.lists(st.sampled_from(["# A", "## B", "text", "more  text ", "", "\u2028", "\x0c", "é😀", "- x", "\r", "```"]))
)
def test_offsets_are_exact_in_any_document(lines: list[str]) -> None:
    body = "\r\n".join(lines)
    document = Document(slug="d", title="D", body=body, digest="")
    for passage in chunk(document, words):
        assert body[passage.start : passage.end] == passage.text
        assert passage.text == passage.text.strip() != ""
    sections = sections_of(document)
    assert all(0 <= s.start <= s.end <= len(body) for s in sections)
    assert len({s.slug for s in sections}) == len(sections)
