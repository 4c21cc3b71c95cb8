"""What the chat page shows, made from stored messages and facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from markupsafe import Markup

from api.web import times
from api.web.markdown import reply_html
from conversations.history import ConversationSummary, StoredMessage
from rag import citations
from safety.resources import ResourceKind, near, resources_for
from safety.triage.buttons import EXIT_HREF, PLAN_HREF, line_buttons
from safety.triage.step import Choice
from safety.triage.words import words_for
from safety.types import Mode
from tools.people.people import Profile

PAUSE = timedelta(minutes=10)
OWN_PLACES = {PLAN_HREF: "/plan", EXIT_HREF: "/leave"}
"""Where the script's own addresses lead in a browser."""


@dataclass(frozen=True, slots=True)
class Cited:
    """A source under a reply."""

    label: str
    href: str
    draft: bool


@dataclass(frozen=True, slots=True)
class Bubble:
    """One message as it is shown."""

    id: UUID
    turn_id: UUID | None
    author: str
    text: str
    html: Markup | None
    """Set for replies of the companion, whose Markdown is rendered; all others are plain text."""
    at: datetime
    pause: bool
    """The first after a while, so its time is shown."""
    cited: tuple[Cited, ...]
    tools: tuple[str, ...]
    replies: tuple[Choice, ...]
    """Quick replies, on the newest message only."""
    notice: bool = False
    """Something that has to be said about the software itself."""


@dataclass(frozen=True, slots=True)
class Panel:
    """The ways to people beside the box, as long as the mode calls for them."""

    mode: Mode
    status: str
    """Stored facts of delivery; empty when there is nothing true to say."""
    actions: tuple[Choice, ...]
    """Buttons that call, text or open something."""
    region: str
    """Where the student is, as they said last; empty where that is not known."""

    @property
    def shown(self) -> bool:
        return self.mode is not Mode.ORDINARY


@dataclass(frozen=True, slots=True)
class Day:
    """Conversations of one day in the history."""

    name: str
    entries: tuple[ConversationSummary, ...]


def bubbles(messages: Sequence[StoredMessage]) -> list[Bubble]:
    """Messages as they are shown; a quick reply that was sent by its value reads as its label."""
    shown: list[Bubble] = []
    labels: dict[str, str] = {}
    for number, message in enumerate(messages):
        choices = _choices(message.extras)
        last = number == len(messages) - 1
        is_student = message.author == "student"
        shown.append(
            Bubble(
                id=message.id,
                turn_id=message.turn_id,
                author=message.author,
                text=labels.get(message.text, message.text) if is_student else message.text,
                html=reply_html(message.text) if message.author == "companion" else None,
                at=message.created_at,
                pause=number > 0 and message.created_at - messages[number - 1].created_at > PAUSE,
                cited=tuple(_cited(entry) for entry in message.extras.get("citations", ())),
                tools=tuple(dict.fromkeys(entry["label"] for entry in message.extras.get("tools", ()))),
                replies=tuple(choice for choice in choices if choice.href is None) if last else (),
                notice="notice" in message.extras,
            )
        )
        if choices:
            labels = {choice.value: choice.label for choice in choices}
    return shown


def panel(mode: Mode, status: str, messages: Sequence[StoredMessage], profile: Profile) -> Panel:
    """The panel that goes with the conversation's mode; it holds the lines even while it is hidden."""
    for message in reversed(messages):
        actions = tuple(choice for choice in _choices(message.extras) if choice.href)
        if actions:
            region = message.extras.get("region", profile.region)
            return Panel(mode, status, tuple(sorted(actions, key=_people_first)), region or "")
    return Panel(mode, status, _lines(profile.region, profile.language), profile.region or "")


def days(entries: Iterable[ConversationSummary], zone: str, now: datetime) -> list[Day]:
    """The history by day, without conversations in which nothing was said."""
    grouped: dict[str, list[ConversationSummary]] = {}
    for entry in entries:
        if entry.title:
            grouped.setdefault(times.day(entry.updated_at, zone, now), []).append(entry)
    return [Day(name, tuple(found)) for name, found in grouped.items()]


def _people_first(choice: Choice) -> bool:
    """Calls and texts before what opens on this site."""
    return not (choice.href or "").startswith(("tel:", "sms:"))


def _choices(extras: Mapping[str, Any]) -> tuple[Choice, ...]:
    return tuple(
        Choice(entry["value"], entry["label"], OWN_PLACES.get(entry["href"], entry["href"]))
        for entry in extras.get("choices", ())
    )


def _cited(entry: Mapping[str, Any]) -> Cited:
    heading = entry["section"].replace("-", " ").capitalize() or entry["title"]
    return Cited(citations.label(entry["title"], (heading,)), citations.href(entry["anchor"]), entry["draft"])


def _lines(region: str | None, language: str) -> tuple[Choice, ...]:
    """One line with what it is paired with, where the script has not chosen any."""
    found = resources_for(region, language)
    return line_buttons(near(found, ResourceKind.CRISIS_LINE) or found[-1:], words_for(language))
