"""The buttons beside every reply of the script: done something, a person, the plan, the lines."""

from __future__ import annotations

from collections.abc import Sequence

from safety.resources import Resource, ResourceKind, near
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
    return (*shown, *line_buttons(_lines(state, resources), words))


def line_buttons(lines: Sequence[Resource], words: Words) -> tuple[Choice, ...]:
    """Return a button for every way in which these lines can be reached from a phone, else for their page."""
    return tuple(choice for line in lines for choice in _ways(line, words))


def _lines(state: TriageState, resources: Sequence[Resource]) -> list[Resource]:
    """The few lines that belong under the thumb, paired services together; the rest are in the resources."""
    kinds: tuple[ResourceKind, ...] = (ResourceKind.CRISIS_LINE,)
    if state.step is TriageStep.EMERGENCY or state.category is Category.OVERDOSE:
        kinds = (ResourceKind.EMERGENCY, ResourceKind.POISON, ResourceKind.CRISIS_LINE)
    elif state.severity.rank >= Severity.HIGH.rank:
        kinds = (ResourceKind.EMERGENCY, ResourceKind.CRISIS_LINE)
    if not near(resources, ResourceKind.CRISIS_LINE):
        kinds = (*kinds, ResourceKind.FINDER, ResourceKind.EMERGENCY)
    return list(dict.fromkeys(line for kind in kinds for line in near(resources, kind)))


def _ways(line: Resource, words: Words) -> tuple[Choice, ...]:
    ways = []
    if line.call_href:
        ways.append(Choice(f"call:{line.id}", _label("call", line, words), line.call_href))
    if line.text_href:
        ways.append(Choice(f"text:{line.id}", _label("text", line, words), line.text_href))
    if not ways and line.chat:
        ways.append(Choice(f"web:{line.id}", _label("web", line, words), line.chat))
    return tuple(ways)


def _label(way: str, line: Resource, words: Words) -> str:
    label = words.text(f"choices.{way}", name=line.short)
    # An emergency number is marked in lists; a doubt on the button would cost seconds.
    return (
        label if line.checked or line.kind is ResourceKind.EMERGENCY else words.text("choices.unchecked", label=label)
    )


def _own(value: str, words: Words, href: str | None = None) -> Choice:
    return Choice(value, words.text(f"choices.{value}"), href)
