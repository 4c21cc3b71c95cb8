"""What the message is about: topics, and the events in them that a reply can answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.dialogue.phrases import Phrase, read_data
from agents.dialogue.texts import flip, noun, tidy
from embedding.protocol import Embedder, Vectors

_STOP = (
    r"(?=$|[,.;:!?)]|\s(?:and|but|because|bc|so|since|when|while|that|which|is|was|are|were|today|tonight|yesterday"
    r"|tomorrow|on|in|at|for|with|again|i|i'm|im|it|he|she|they|this|last|next|due|even|anymore|rn|lol)\b)"
)
_THING = rf"(?P<thing>(?:(?:my|the|a|an)\s+)?(?:[a-z0-9'&-]+\s?){{1,4}}?){_STOP}"
LEAST_SIMILAR = 0.5
"""Cosine below which an example does not name a topic."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, and what may be said back to it."""

    when: tuple[re.Pattern[str], ...]
    name: Phrase
    say: tuple[Phrase, ...]


@dataclass(frozen=True, slots=True)
class Topic:
    """One thing that students bring, with lines of its own."""

    id: str
    name: str
    skill: str
    """What is looked up in the library."""
    offer: str
    words: tuple[re.Pattern[str], ...]
    events: tuple[Event, ...]
    lines: dict[str, tuple[Phrase, ...]]
    """By act: `open`, `deeper`, `coping`, `step`, `meaning`."""


@dataclass(frozen=True, slots=True)
class Happening:
    """An event found in the student's words, with the slots that it filled."""

    topic: Topic
    event: Event
    slots: dict[str, str]

    @property
    def name(self) -> str:
        """How a summary names it."""
        return self.event.name.fill(self.slots) if self.event.name.slots <= self.slots.keys() else self.topic.name


class Topics:
    """Finds topics and events in a message: by words, and by likeness to examples where no word tells."""

    def __init__(self, topics: Sequence[Topic], owners: Sequence[int], examples: Vectors) -> None:
        self.all = tuple(topics)
        self._by_id = {topic.id: topic for topic in topics}
        self._owners = np.asarray(owners)
        self._examples = examples

    @classmethod
    def load(cls, embedder: Embedder) -> Topics:
        """Read the topics and embed their examples, once per process."""
        data = read_data("topics.yaml")["topics"]
        examples = [(index, text) for index, topic in enumerate(data.values()) for text in topic["examples"]]
        vectors = embedder.encode([text for _, text in examples])
        return cls([_topic(name, spec) for name, spec in data.items()], [index for index, _ in examples], vectors)

    def __getitem__(self, topic_id: str) -> Topic:
        return self._by_id[topic_id]

    def find(self, text: str, vector: Vectors | None) -> tuple[Topic, ...]:
        """Return the topics of a message, the likeliest first; empty when nothing tells."""
        low = text.lower().replace("’", "'")
        hits = {topic.id: sum(len(p.findall(low)) for p in topic.words) for topic in self.all}
        near = self._nearness(vector)
        scores = {topic.id: 0.35 * min(hits[topic.id], 2) + near[index] for index, topic in enumerate(self.all)}
        found = [t for i, t in enumerate(self.all) if hits[t.id] or near[i] >= LEAST_SIMILAR]
        return tuple(sorted(found, key=lambda topic: -scores[topic.id])[:3])

    def happenings(self, text: str, topics: Sequence[Topic]) -> tuple[Happening, ...]:
        """Return the events of the given topics that the message tells of, in the topics' order."""
        low = text.lower().replace("’", "'")
        found = []
        for topic in topics:
            for event in topic.events:
                match = next((m for p in event.when if (m := p.search(low))), None)
                if match:
                    found.append(Happening(topic, event, _slots(match)))
        return tuple(found)

    def _nearness(self, vector: Vectors | None) -> list[float]:
        if vector is None:
            return [0.0] * len(self.all)
        likeness = self._examples @ vector
        return [float(likeness[self._owners == index].max(initial=0.0)) for index in range(len(self.all))]


def _slots(match: re.Match[str]) -> dict[str, str]:
    slots = {}
    for name, words in match.groupdict().items():
        if words is None:
            continue
        filled = flip(tidy(words)) if name == "clause" else _possessed(words)
        if filled:
            slots[name] = filled
    return slots


def _possessed(words: str) -> str:
    """'my roommate' → 'your roommate', 'the midterm' → 'midterm'."""
    own = re.match(r"\s*my\s", words)
    bare = flip(noun(words))
    return f"your {bare}" if own and bare else bare


def _topic(topic_id: str, spec: dict[str, Any]) -> Topic:
    return Topic(
        topic_id,
        spec["name"],
        spec["skill"],
        spec["offer"],
        tuple(re.compile(pattern) for pattern in spec["words"]),
        tuple(_event(event) for event in spec["events"]),
        {act: tuple(map(Phrase.of, spec[act])) for act in ("open", "deeper", "coping", "step", "meaning")},
    )


def _event(spec: dict[str, Any]) -> Event:
    return Event(
        tuple(re.compile(_expand(pattern)) for pattern in spec["when"]),
        Phrase.of(spec["name"]),
        tuple(map(Phrase.of, spec["say"])),
    )


def _expand(pattern: str) -> str:
    """Put the expression for a thing where a pattern says `<thing>`, unless that names a group of its own."""
    return re.sub(r"(?<!\?P)<thing>", lambda _: _THING, pattern)
