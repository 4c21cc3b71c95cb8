"""What a message wants, feels and is about: one reading per turn, from its words and its one embedding."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agents.dialogue.feelings import Feeling, Lexicon
from agents.dialogue.intents import Intents, Route
from agents.dialogue.topics import Happening, Topic, Topics
from embedding.protocol import Embedder, Vectors

_OF_ONESELF = re.compile(
    r"\b(?:i(?:[’']?m| am|[’']?ve| was| feel| felt| keep| can[’']?t| couldn[’']?t| hate| cried| cry| miss| lost| got)"
    r"|me|my (?:\w+ )?(?:head|heart|chest|mind|life|brain|thoughts))\b"
)
LONGEST_READ = 4000
"""Characters that are searched for feelings and topics; screening alone reads longer messages whole."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One message, understood as far as it goes."""

    text: str
    intent: str
    """A key of `data/intents.yaml`."""
    explicit: bool
    """A pattern settled the intent, not likeness."""
    sure: bool
    asking: bool
    """It is a question or a command."""
    route: Route
    """Where the intent belongs by itself; the router weighs pain against it."""
    feelings: tuple[Feeling, ...]
    work: int
    """How many words of study and work it holds."""
    topics: tuple[Topic, ...]
    guessed: bool
    """The topic is a guess from likeness; no word names it."""
    happenings: tuple[Happening, ...]

    @property
    def pain(self) -> int:
        """0 none, 1 mild, 2 plain, 3 strong; two plain feelings make a strong one.

        A question about a feeling ('do you have something on anxiety?') is no pain unless the student is in it.
        """
        if self.asking and not _OF_ONESELF.search(self.text.lower()):
            return 0
        hurting = [feeling.weight for feeling in self.feelings if not feeling.positive]
        return min(3, max(hurting) + (sum(w >= 2 for w in hurting) > 1)) if hurting else 0

    @property
    def trouble(self) -> bool:
        """Whether it tells of something that hurts."""
        return self.pain >= 2 or any(happening.topic.intent == "vent" for happening in self.happenings)

    @property
    def topic(self) -> Topic | None:
        """The likeliest topic."""
        return self.topics[0] if self.topics else None


class Reader:
    """Reads messages; loaded once per process, it embeds its examples then and nothing later."""

    def __init__(self, intents: Intents, topics: Topics, lexicon: Lexicon) -> None:
        self._intents = intents
        self.topics = topics
        self._lexicon = lexicon

    @classmethod
    def load(cls, embedder: Embedder) -> Reader:
        """Load the data files and embed the examples; raises `EmbeddingUnavailable`."""
        topics = Topics.load(embedder)
        return cls(Intents.load(embedder, topics.taught()), topics, Lexicon())

    def read(self, text: str, vector: Vectors | None) -> Reading:
        """Read one message; `vector` is its embedding, shape (dimensions,), or None when there is none."""
        low = text[:LONGEST_READ].lower().replace("’", "'").strip()
        feelings = self._lexicon.feelings(low)
        intent = self._intents.of(low, vector)
        name, sure, route = intent.name, intent.sure, intent.route
        if name == "complaint" and not intent.explicit and " you" not in f" {low}":
            name, sure = "unsure", False
        if name == "good_news" and not any(feeling.positive for feeling in feelings):
            # A grade or an event alone tells nothing: joy over what was bad news would hurt.
            name, sure, route = "unsure", False, Route.SUPPORT
        topics, guessed = self.topics.find(low, vector)
        return Reading(
            text,
            name,
            intent.explicit,
            sure,
            intent.asking,
            route,
            feelings,
            self._lexicon.work(low),
            topics,
            guessed,
            self.topics.happenings(low, topics),
        )
