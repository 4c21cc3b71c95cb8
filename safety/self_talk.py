"""What software may say of itself: a closed list. Everything else in the first person is no sentence for a student.

Feelings, a life, promises and acts that nobody did come in endless words; what this service does comes in few. So the
few are listed (`data/review.yaml`, `self_talk`) and the rest fails, rather than the other way round.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_QUOTED = re.compile(r'"[^"]*"')
_WORDS = re.compile(r"[a-z]+(?:'[a-z]+)?")
_CLAUSE_END = re.compile(r"[.!?,;:()]| - ")
_CONTRACTED = {"i'm": "am", "i've": "have", "i'll": "will", "i'd": "would", "we're": "are", "we've": "have", "we'll": "will", "we'd": "would"}  # fmt: skip
_SPEAKERS = ("i", "we")
_BE = frozenset({"am", "was", "are", "were", "be", "been"})
_HAVE = frozenset({"have", "had", "has"})
_MODAL = frozenset({"can", "could", "may", "might", "will", "would", "shall", "should", "do", "did"})
_NO = frozenset({"not", "never", "cannot", "neither", "nor", "hardly", "no"})
_NOTHING = frozenset({"nothing", "nobody", "none"})
_ARTICLES = frozenset({"a", "an", "the", "one"})
_SENT = frozenset({"sent", "share", "shared", "passed"})
_AFTER_DO = frozenset(
    {"when", "now", "too", "and", "or", "but", "if", "with", "at", "then", "it", "is", "that", "this"}
)


@dataclass(frozen=True, slots=True)
class SelfTalk:
    """The words that may follow an I, a we, a me or a my."""

    adverbs: frozenset[str]
    verbs: frozenset[str]
    """What the software does, in the base form and the simple past."""
    done: frozenset[str]
    """What it may have done, as participles."""
    doing: frozenset[str]
    """What it may be doing, as participles."""
    is_: frozenset[str]
    """What it may be."""
    kinds: frozenset[str]
    """What it may call itself, after an article."""
    things: frozenset[str]
    """What it may have, after an article."""
    has: frozenset[str]
    we: frozenset[str]
    """What student and software may do together."""
    me: frozenset[str]
    """What a student may do to it."""
    my: frozenset[str]

    @classmethod
    def from_data(cls, data: Mapping[str, Sequence[str]]) -> SelfTalk:
        """Read the lists; raises `KeyError` when one is missing."""
        lists: dict[str, Any] = {name: frozenset(map(str, data[name])) for name in cls.__slots__ if name != "is_"}
        return cls(**lists, is_=frozenset(data["is"]))

    def allows(self, plain: str, *, english: bool = True) -> bool:
        """Whether a sentence, in lower case with straight quotes, says nothing of itself but what is listed.

        Words in double quotes are somebody else's. In another language only an I and a we are looked at: `me` is a word of
        Spanish as well.
        """
        bare = _QUOTED.sub(" ", plain)
        return all(self._clause(part, english) for part in _CLAUSE_END.split(_half_quoted(bare)))

    def _clause(self, clause: str, english: bool) -> bool:
        words = _WORDS.findall(clause)
        for at, word in enumerate(words):
            before = words[at - 1] if at else ""
            rest = words[at + 1 :]
            if word in _CONTRACTED:
                rest = [_CONTRACTED[word], *rest]
            if word.split("'")[0] in _SPEAKERS and not self._acts(word[0], rest):
                return False
            if not english:
                continue
            if word in ("me", "myself") and not self._meant(words[:at], rest):
                return False
            if word in ("my", "our") and rest and rest[0] not in self.my:
                return False
            if word == "us" and before not in ("let", "of"):
                return False
        return True

    def _meant(self, before: Sequence[str], rest: Sequence[str]) -> bool:
        """Whether a me is somebody who is told or asked something, or of whom something is denied."""
        if not before:
            return False
        if not (_NO | _NOTHING).isdisjoint(before) or any(word.endswith("n't") for word in before):
            return True
        if before[-1] in ("like", "want", "need", "allow") and rest and rest[0] == "to":
            return True
        return before[-1] in self.me or (before[-1] == "to" and len(before) > 1 and before[-2] in self.me)

    def _acts(self, speaker: str, rest: Sequence[str]) -> bool:
        """Whether what follows an I or a we is something that the software does."""
        verbs = self.verbs if speaker == "i" else self.we
        words = [word for word in rest if word not in self.adverbs]
        if not words:
            return True
        head = words[0]
        if head in _NO or head.endswith("n't"):
            return True
        following = words[1] if len(words) > 1 else ""
        if following in _NO or (following in _NOTHING and head in self.verbs | _SENT):
            return True
        if head in ("do", "did") and following in _AFTER_DO:
            return True
        if head in _MODAL and following in _HAVE:
            return len(words) < 3 or words[2] in self.done or self._has(words[2:])
        if head in _MODAL:
            return not following or following in verbs or (following in _BE and self._is(words[2:]))
        if head in _BE:
            return self._is(words[1:])
        if head in _HAVE:
            return following in self.done or self._has(words[1:]) or (following in _BE and self._is(words[2:]))
        if head == "got":
            return following in ("that", "it", "this", "the", "your")
        return head in verbs

    def _has(self, words: Sequence[str]) -> bool:
        if words and words[0] in _ARTICLES:
            return len(words) > 1 and words[1] in self.things
        return not words or words[0] in self.has

    def _is(self, words: Sequence[str]) -> bool:
        if words and words[0] in _ARTICLES:
            return len(words) > 1 and words[1] in self.kinds
        return not words or words[0] in self.is_ or words[0] in self.doing


def _half_quoted(text: str) -> str:
    """Leave out what stands in a quotation that began before the sentence or goes on after it."""
    before, mark, after = text.partition('"')
    if not mark:
        return text
    opens = not before or before[-1] in " (:-"
    return before if opens else after
