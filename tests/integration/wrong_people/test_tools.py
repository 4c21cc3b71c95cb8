"""Every tool of the agents, called for each wrong person with the ids of Maya's things."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import psycopg

from agents.gate import Gate
from agents.services import TurnContext, TurnServices, open_services
from agents.toolbox import ALL_TOOLS
from core.clock import SystemClock
from core.ids import TurnId, new_id
from db.access import Acting
from embedding.onnx import OnnxEmbedder
from safety.disclosure import law_for
from tests.integration.wrong_people.world import MARK, MOOD_AT, World, held

TOOLS: dict[str, dict[str, object]] = {
    "log_mood": {"score": 5}, "mood_history": {}, "list_tasks": {}, "create_task": {"title": "x"},
    "complete_task": {"task_id": "{task_id}"}, "whats_due": {}, "find_content": {"query": "sleep"}, "lines": {},
    "safety_plan": {}, "grades": {}, "missing_work": {}, "what_first": {}, "workload": {}, "study_plan": {},
    "mood_patterns": {}, "list_logs": {}, "log_entry": {"log": "sleep", "values": {"hours": 7}},
    "log_summary": {"log": "symptoms"}, "set_reminder": {"log": "mood", "hour": 12},
}  # fmt: skip
"""What a model would send. A tool without an entry fails."""
OF_NOBODY = {"find_content", "lines"}
"""Tools over what is public."""


def test_every_tool_is_named() -> None:
    assert set(ALL_TOOLS.tools) == set(TOOLS)


async def use_tools(world: World, services: TurnServices, who: Acting) -> list[str]:
    """What the tools gave or changed of Maya's when used for somebody."""
    found, before = [], held(world.settings, world.maya)
    for name, arguments in TOOLS.items():
        gate = Gate(lambda event: None, "en")
        context = TurnContext(
            services, who, TurnId(new_id()), ZoneInfo("UTC"), None, law_for(), "en", "", None, gate
        )  # fmt: skip
        filled = {
            key: value.format(**world.ids) if isinstance(value, str) else value for key, value in arguments.items()
        }
        try:
            answer = await ALL_TOOLS.call(name, filled, context)
        except psycopg.errors.ForeignKeyViolation:
            continue  # A write without a turn of this person's own.
        if any(secret in answer for secret in (MARK, MOOD_AT.isoformat(), world.ids["task_id"])):
            found.append(f"{name}: shows something of hers")
        if who.student_id is None and name not in OF_NOBODY and not answer.startswith('{"error"'):
            found.append(f"{name}: answers somebody who is no student")
    after = held(world.settings, world.maya)
    return found + [f"changed: {table}" for table, rows in after.items() if rows != before[table]]


async def test_no_tool_gives_a_wrong_person_anything(world: World, encoder: OnnxEmbedder) -> None:
    services = open_services(world.parts.db, encoder, SystemClock(), world.settings)
    for name in world.people:
        who = world.parts.accounts.access.read(world.token(name))
        assert await use_tools(world, services, who) == [], name
    found = await use_tools(world, services, world.maya)
    assert {f"{name}: shows something of hers" for name in ("mood_history", "list_tasks", "safety_plan")} <= set(found)
