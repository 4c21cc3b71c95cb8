"""How a step of the script looks to a client: texts, quick replies and lines, ready to show."""

from __future__ import annotations

from typing import Any

from conversations.events import Event, EventName
from safety.resources import Resource
from safety.triage.step import ScriptStep
from safety.types import Screening


def script_events(screening: Screening, path: str, step: ScriptStep) -> list[Event]:
    """Return the events of a turn that the script answers."""
    return [
        Event("1.1", EventName.SCREENING, screening_payload(screening)),
        Event("1.2", EventName.CRISIS, crisis_payload(step)),
        Event("1.3", EventName.DONE, {"path": path}),
    ]


def screening_payload(screening: Screening) -> dict[str, Any]:
    """What a client may know of the screening: whether the ordinary path was left, never a score."""
    return {"crisis": screening.crisis, "clarify": screening.clarify, "careful": bool(screening.degraded)}


def crisis_payload(step: ScriptStep) -> dict[str, Any]:
    """Return the data of a `crisis` event."""
    return {
        "mode": step.mode.value,
        "region": step.state.region if step.state is not None else None,
        "messages": list(step.messages),
        "choices": [{"value": choice.value, "label": choice.label, "href": choice.href} for choice in step.choices],
        "resources": [resource_payload(resource) for resource in step.resources],
    }


def resource_payload(resource: Resource) -> dict[str, Any]:
    """Return one line as a client shows it, with the links a phone can open."""
    return {
        "id": resource.id,
        "name": resource.name,
        "short": resource.short,
        "kind": resource.kind.value,
        "call": resource.call,
        "call_href": resource.call_href,
        "text": resource.text,
        "text_href": resource.text_href,
        "chat": resource.chat,
        "hours": resource.hours,
        "audience": resource.audience.value,
        "checked": resource.checked,
    }
