"""What the message is about: topics, and the events in them that a reply can answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.dialogue.phrases import Phrase, read_data
from agents.dialogue.texts import clause, flip, noun
from embedding.protocol import Embedder, Vectors

_STOP = (
    r"(?=$|[,.;:!?)]|\s(?:and|but|because|bc|so|since|when|while|that|which|is|was|are|were|today|tonight|yesterday"
    r"|tomorrow|on|in|at|for|with|again|i|i'm|im|it|he|she|they|this|last|next|due|even|anymore|rn|lol)\b)"
)
_THING = rf"(?P<thing>(?:(?:my|the|a|an)\s+)?[a-z0-9'&-]+(?:\s[a-z0-9'&-]+){{0,3}}?){_STOP}"
LEAST_SIMILAR = 0.5
"""Cosine below which an example does not name a topic."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, and what may be said back to it."""

    when: tuple[re.Pattern[str], ...]
    name: Phrase
    say: tuple[Phrase, ...]
    work: bool
    """A matter of work, and no trouble unless a feeling comes with it."""


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
    intent: str
    """What a message like the topic's examples wants."""
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

    def __init__(self, topics: Sequence[Topic], examples: Sequence[tuple[int, str]], vectors: Vectors) -> None:
        """`examples` are (index of the topic, text), `vectors` their embeddings in the same order."""
        self.all = tuple(topics)
        self._examples = tuple(examples)
        self._owners = np.array([owner for owner, _ in examples])
        self._vectors = vectors

    @classmethod
    def load(cls, embedder: Embedder) -> Topics:
        """Read the topics and embed their examples, once per process."""
        data = read_data("topics.yaml")["topics"]
        examples = [(index, text) for index, topic in enumerate(data.values()) for text in topic["examples"]]
        vectors = embedder.encode([text for _, text in examples])
        return cls([_topic(name, spec) for name, spec in data.items()], examples, vectors)

    def taught(self) -> list[tuple[str, str, Vectors]]:
        """The examples with the intent that they teach and their vectors."""
        return [
            (text, self.all[owner].intent, vector)
            for (owner, text), vector in zip(self._examples, self._vectors, strict=True)
        ]

    def find(self, text: str, vector: Vectors | None) -> tuple[tuple[Topic, ...], bool]:
        """Return the topics of a message in lower case, the likeliest first, and whether that is a guess.

        Words decide; only a message without any is compared with the examples.
        """
        hits = {topic.id: sum(len(p.findall(text)) for p in topic.words) for topic in self.all}
        near = self._nearness(vector)
        named = [
            (0.35 * min(hits[topic.id], 2) + near[index], topic)
            for index, topic in enumerate(self.all)
            if hits[topic.id]
        ]
        if named:
            return tuple(topic for _, topic in sorted(named, key=lambda pair: -pair[0])[:3]), False
        best = int(np.argmax(near))
        return ((self.all[best],) if near[best] >= LEAST_SIMILAR else ()), True

    def happenings(self, text: str, topics: Sequence[Topic]) -> tuple[Happening, ...]:
        """Return the events that a message in lower case tells of, those of the given topics by their words only."""
        found = []
        for topic in topics:
            if not any(pattern.search(text) for pattern in topic.words):
                continue
            for event in topic.events:
                match = next((m for p in event.when if (m := p.search(text))), None)
                if match:
                    found.append(Happening(topic, event, _slots(match)))
        return tuple(found)

    def _nearness(self, vector: Vectors | None) -> list[float]:
        if vector is None:
            return [0.0] * len(self.all)
        likeness = self._vectors @ vector
        return [float(likeness[self._owners == index].max(initial=0.0)) for index in range(len(self.all))]


def _slots(match: re.Match[str]) -> dict[str, str]:
    slots = {}
    for name, words in match.groupdict().items():
        if words is None:
            continue
        filled = flip(clause(words)) if name == "clause" else _possessed(words)
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
        spec.get("intent", "vent"),
        {act: tuple(map(Phrase.of, spec[act])) for act in ("open", "deeper", "coping", "step", "meaning")},
    )


def _event(spec: dict[str, Any]) -> Event:
    return Event(
        tuple(re.compile(_expand(pattern)) for pattern in spec["when"]),
        Phrase.of(spec["name"]),
        tuple(map(Phrase.of, spec["say"])),
        spec.get("work", False),
    )


def _expand(pattern: str) -> str:
    """Put the expression for a thing where a pattern says `<thing>`, unless that names a group of its own."""
    return re.sub(r"(?<!\?P)<thing>", lambda _: _THING, pattern)
