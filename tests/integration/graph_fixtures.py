"""Fixtures of the graph tests: a few articles, phrases embedded once, Maya at her desk."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from agents.dialogue.phrases import Phrasebook
from agents.dialogue.responder import Responder
from agents.dialogue.understand import Reader
from agents.services import TurnServices
from cli.stack import ARTICLES, ingest_articles
from core.clock import SystemClock
from core.ids import ConversationId, new_id
from core.settings import Settings
from db.access import Database
from embedding.onnx import OnnxEmbedder
from tests.conftest import People
from tests.integration.graph_desk import Desk

SHELF = ("paced-breathing", "five-senses-grounding", "starting-when-you-cant-start", "loneliness-on-campus")


@pytest.fixture(scope="session")
def reader(encoder: OnnxEmbedder) -> Reader:
    """The reader, its examples embedded once for all tests."""
    return Reader.load(encoder)


@pytest.fixture
async def library(settings: Settings, tmp_path: Path) -> None:
    """Four articles in this test's database."""
    for slug in SHELF:
        shutil.copy(ARTICLES / f"{slug}.md", tmp_path)
    await ingest_articles(settings, tmp_path)


@pytest.fixture
async def desk(database: Database, people: People, encoder: OnnxEmbedder, reader: Reader) -> Desk:
    """Maya at a desk, without a language model."""
    conversation = ConversationId(new_id())
    async with database.acting(people.maya) as tx:
        await tx.conn.execute(
            "insert into conversations (id, institution_id, student_id) values (%s, %s, %s)",
            (conversation, people.maya.institution_id, people.maya.student_id),
        )
    services = TurnServices(database, encoder, SystemClock(), reader, Responder(reader, Phrasebook.load()))
    return Desk(database, people.maya, people.jonas, conversation, services)
