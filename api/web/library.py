"""The library: articles the companion cites, readable by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import yaml
from fastapi import APIRouter, Query, Request, Response

from api.deps import PartsDep
from api.web.markdown import article_html
from api.web.rendering import render
from api.web.session import AccountDep
from core.errors import NotFound
from db.access import Tx

router = APIRouter(include_in_schema=False)
TOPICS = Path(__file__).resolve().parents[2] / "knowledge_base" / "topics.yaml"


@dataclass(frozen=True, slots=True)
class Entry:
    """One article in the list."""

    slug: str
    title: str
    skill: str | None
    topics: tuple[str, ...]
    draft: bool


@router.get("/library")
async def library(
    request: Request, who: AccountDep, parts: PartsDep, topic: Annotated[str, Query(max_length=60)] = ""
) -> Response:
    """All articles the campus may read, by topic."""
    async with parts.db.acting(who) as tx:
        entries = await _entries(tx)
    names = topic_names()
    found = sorted({name for entry in entries for name in entry.topics}, key=lambda name: names.get(name, name))
    shown = [entry for entry in entries if not topic or topic in entry.topics]
    labels = {name: names.get(name, name.replace("_", " ").capitalize()) for name in found}
    return render(request, "library.html", entries=shown, labels=labels, topic=topic)


@router.get("/library/{slug}")
async def article(request: Request, slug: str, who: AccountDep, parts: PartsDep) -> Response:
    """One article; its sections carry the ids that citations name. Raises `NotFound`."""
    async with parts.db.acting(who) as tx:
        cursor = await tx.conn.execute(
            "select title, body, status, reviewed_by, skill, updated_at from knowledge_documents where slug = %s"
            " order by institution_id nulls last limit 1",
            (slug,),
        )
        row = await cursor.fetchone()
    if row is None:
        raise NotFound("There is no such article in this library.")
    title, body, status, reviewed_by, skill, updated_at = row
    return render(
        request,
        "article.html",
        title=title,
        body=article_html(slug, title, body),
        draft=status == "draft",
        reviewed_by=reviewed_by,
        skill=skill,
        updated_at=updated_at,
    )


async def _entries(tx: Tx) -> list[Entry]:
    cursor = await tx.conn.execute(
        "select distinct on (slug) slug, title, skill, topics, status = 'draft' from knowledge_documents"
        " order by slug, institution_id nulls last"
    )
    entries = [
        Entry(slug, title, skill, tuple(topics), draft) for slug, title, skill, topics, draft in await cursor.fetchall()
    ]
    return sorted(entries, key=lambda entry: entry.title.casefold())


@cache
def topic_names() -> Mapping[str, str]:
    """Topic -> the words shown for it."""
    data: dict[str, Any] = yaml.safe_load(TOPICS.read_text(encoding="utf-8"))
    return dict(data["topics"])
