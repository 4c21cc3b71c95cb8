"""What a message wants, feels and is about: one reading per turn, from its words and its one embedding."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agents.dialogue.feelings import Feeling, Lexicon
from agents.dialogue.intents import Intents, Route
from agents.dialogue.topics import Happening, Topic, Topics
from embedding.protocol import Embedder, Vectors

_OF_ONESELF = re.compile(
    r"\b(?:i(?:[’']?m| am|[’']?ve| was| feel| felt| keep| can[’']?t| couldn[’']?t| hate| cried| cry| miss| lost| got)"
    r"|me|my (?:\w+ )?(?:head|heart|chest|mind|life|brain|thoughts))\b"
)
TROUBLE = 2
"""From this pain on a message tells of trouble."""
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
        return _pain(self.feelings)

    @property
    def trouble(self) -> bool:
        """Whether it tells of something that hurts."""
        return self.pain >= TROUBLE or _tells(self.happenings)

    @property
    def topic(self) -> Topic | None:
        """The likeliest topic, passing mentions and guesses included."""
        return self.topics[0] if self.topics else None

    @property
    def clear_topic(self) -> Topic | None:
        """The topic that the message is plainly about: something happened there, or it hurts."""
        return _clear_topic(self.topics, self.happenings, self.pain, guessed=self.guessed)


@dataclass(frozen=True, slots=True)
class Recollection:
    """An earlier message, as far as it still matters."""

    text: str
    topic: Topic | None
    """The topic that it was plainly about."""
    happenings: tuple[Happening, ...]
    trouble: bool
    """It told of something that hurts."""


def _low(text: str) -> str:
    return text[:LONGEST_READ].lower().replace("’", "'").strip()


def _pain(feelings: Sequence[Feeling]) -> int:
    hurting = [feeling.weight for feeling in feelings if not feeling.positive]
    return min(3, max(hurting) + (sum(weight >= TROUBLE for weight in hurting) > 1)) if hurting else 0


def _clear_topic(topics: Sequence[Topic], happenings: Sequence[Happening], pain: int, *, guessed: bool) -> Topic | None:
    if happenings:
        return happenings[0].topic
    return topics[0] if topics and pain and not guessed else None


def _tells(happenings: Sequence[Happening]) -> bool:
    return any(not happening.event.work for happening in happenings)


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

    def recall(self, text: str) -> Recollection:
        """Read an earlier message again, for what it told; what it wanted is past."""
        low = _low(text)
        topics, guessed = self.topics.find(low, None)
        pain = _pain(self._lexicon.feelings(low))
        happenings = self.topics.happenings(low, topics)
        topic = _clear_topic(topics, happenings, pain, guessed=guessed)
        return Recollection(text, topic, happenings, pain >= TROUBLE or _tells(happenings))

    def read(self, text: str, vector: Vectors | None) -> Reading:
        """Read one message; `vector` is its embedding, shape (dimensions,), or None when there is none."""
        low = _low(text)
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
