"""Markdown as safe HTML: replies keep emphasis and lists, articles also keep headings and links."""

from __future__ import annotations

import re
from functools import cache

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

from rag.chunking import sections_of
from rag.documents import Document

_STEPS = re.compile(r"(?:^|[:.!?] )1\. \S.*[.!?][\"”)]? 2\. \S")
_STEP = re.compile(r"(?<=[:.!?\"”)]) (?=\d{1,2}\. \S)")
REPLY_TAGS = {"p", "br", "strong", "em", "ul", "ol", "li", "code"}
ARTICLE_TAGS = REPLY_TAGS | {"h2", "h3", "h4", "a", "blockquote", "hr", "table", "thead", "tbody", "tr", "th", "td"}


def reply_html(text: str) -> Markup:
    """A reply: no links, images or headings, whatever wrote it. Steps that run on in one line become a list."""
    if _STEPS.search(text):
        text = _STEP.sub("\n", text)
    return Markup(nh3.clean(_parser(breaks=True).render(text), tags=REPLY_TAGS, attributes={"ol": {"start"}}))  # noqa: S704  # sanitised


def article_html(slug: str, title: str, body: str) -> Markup:
    """An article without its title; headings carry the section ids that citations open."""
    parser = _parser(breaks=False)
    tokens = parser.parse(body)
    headings = [token for token in tokens if token.type == "heading_open" and token.level == 0]
    sections = sections_of(Document(slug=slug, title=title, body=body, digest=""))
    for token, section in zip(reversed(headings), reversed(sections), strict=False):
        token.attrSet("id", section.slug)
    if headings and headings[0].tag == "h1":
        start = tokens.index(headings[0])
        del tokens[start : start + 3]
    rendered = parser.renderer.render(tokens, parser.options, {})
    attributes = {"a": {"href", "title"}, "ol": {"start"}, **{level: {"id"} for level in ("h2", "h3", "h4")}}
    return Markup(  # noqa: S704  # sanitised
        nh3.clean(rendered, tags=ARTICLE_TAGS, attributes=attributes, url_schemes={"https", "mailto", "tel"})
    )


@cache
def _parser(*, breaks: bool) -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "breaks": breaks}).enable("table")
