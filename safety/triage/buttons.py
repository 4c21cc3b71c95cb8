"""The buttons beside every reply of the script: done something, a person, the plan, the lines."""

from __future__ import annotations

from collections.abc import Sequence

from safety.resources import Resource, ResourceKind
from safety.triage.facts import StudentFacts
from safety.triage.state import TriageState, TriageStep
from safety.triage.step import Choice
from safety.triage.words import DONE_SOMETHING, ELSEWHERE, HERE, OPEN_PLAN, QUICK_EXIT, WANT_PERSON, Words
from safety.types import Category, Severity

PLAN_HREF = "companion:plan"
EXIT_HREF = "companion:exit"

_ASKING = frozenset(
    {
        TriageStep.CLARIFY, TriageStep.SCREEN, TriageStep.MINOR, TriageStep.AGAIN, TriageStep.MEANS,
        TriageStep.PLAN, TriageStep.VOICE, TriageStep.MISREAD, TriageStep.DEGRADED, TriageStep.SILENT,
        TriageStep.ELSEWHERE, TriageStep.FOLLOW_UP,
    }
)  # fmt: skip
NOT_ABOUT_THE_STUDENT = (Category.HARM_TO_OTHERS, Category.THIRD_PARTY, Category.ABUSE, Category.EXPLOITATION)
_COUNTRY_MATTERS = (TriageStep.EMERGENCY, TriageStep.PLAN, TriageStep.NO_STAFF, TriageStep.GUARDED)


def buttons(state: TriageState, facts: StudentFacts, resources: Sequence[Resource], words: Words) -> tuple[Choice, ...]:
    """Return the buttons beyond the answers of the question that stands."""
    shown = []
    if state.step in _ASKING and state.category not in NOT_ABOUT_THE_STUDENT:
        shown.append(_own(DONE_SOMETHING, words))
    if state.step in (TriageStep.WAITING, TriageStep.SILENT) or state.nudged_at is not None:
        shown.append(_own(HERE, words))
    if state.step not in (TriageStep.LIVE, TriageStep.WAITING):
        shown.append(_own(WANT_PERSON, words))
    if facts.has_plan:
        shown.append(_own(OPEN_PLAN, words, PLAN_HREF))
    if state.step in _COUNTRY_MATTERS:
        shown.append(_own(ELSEWHERE, words))
    if state.confidential:
        shown.append(_own(QUICK_EXIT, words, EXIT_HREF))
    return (*shown, *_lines(state, resources, words))


def _lines(state: TriageState, resources: Sequence[Resource], words: Words) -> tuple[Choice, ...]:
    """The few lines that belong under the thumb; the rest are in the resources."""
    kinds = {ResourceKind.CRISIS_LINE: 1}
    if state.step is TriageStep.EMERGENCY or state.category is Category.OVERDOSE:
        kinds = {ResourceKind.EMERGENCY: 1, ResourceKind.POISON: 1, ResourceKind.CRISIS_LINE: 1}
    elif state.severity.rank >= Severity.HIGH.rank:
        kinds = {ResourceKind.EMERGENCY: 1, ResourceKind.CRISIS_LINE: 1}
    near: list[Resource] = []
    for kind, count in kinds.items():
        near += [resource for resource in resources if resource.kind is kind][:count]
    near = near or list(resources[:1])
    return tuple(choice for resource in near for choice in _ways(resource, words))


def _ways(resource: Resource, words: Words) -> tuple[Choice, ...]:
    ways = []
    if resource.call_href:
        ways.append(Choice(f"call:{resource.id}", words.text("choices.call", name=resource.short), resource.call_href))
    if resource.text_href:
        ways.append(Choice(f"text:{resource.id}", words.text("choices.text", name=resource.short), resource.text_href))
    if not ways and resource.chat:
        ways.append(Choice(f"web:{resource.id}", words.text("choices.web", name=resource.short), resource.chat))
    return tuple(ways)


def _own(value: str, words: Words, href: str | None = None) -> Choice:
    return Choice(value, words.text(f"choices.{value}"), href)
