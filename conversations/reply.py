"""What a running turn has said so far: told to the listeners at once, stored at the end."""

from __future__ import annotations

from typing import Any

from agents.state import CitedPassage, ReviewedSentence, ToolActivity, TurnEvent, TurnOutcome
from conversations.broker import LiveTurn
from conversations.events import EventName


class Reply:
    """What a running turn has said so far."""

    def __init__(self, live: LiveTurn) -> None:
        self.live = live
        self.sentences: list[str] = []
        self.citations: list[dict[str, Any]] = []
        self.tools: list[dict[str, str]] = []
        self.versions: dict[str, Any] = {}

    @property
    def text(self) -> str:
        """The reply as it is stored."""
        return "".join(self.sentences).strip()

    def take(self, event: TurnEvent) -> None:
        """Keep what the graph said and tell the listeners."""
        match event:
            case ReviewedSentence(text, ends):
                self.sentences.append(text + ends)
                self.live.emit(EventName.SENTENCE, {"index": len(self.sentences) - 1, "text": text, "ends": ends})
            case ToolActivity(tool, label, _):
                self.tools.append({"tool": tool, "label": label})
                self.live.emit(EventName.TOOL, {"tool": tool, "label": label})
            case CitedPassage(anchor, title, section, draft):
                cited = {"anchor": anchor, "title": title, "section": section, "draft": draft}
                self.citations.append(cited)
                self.live.emit(EventName.CITATION, cited)
            case TurnOutcome(route, model, versions):
                self.versions = {"route": route, "model": model, **versions}
