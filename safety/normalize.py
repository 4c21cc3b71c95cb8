"""Fold spelling tricks away so that rules and the encoder see plain words, and keep the way back to the student's own."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Any

import yaml

_LATIN_TABLE = str.maketrans(
    {"‘": "'", "’": "'", "‛": "'", "ʼ": "'", "`": "'", "´": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"'}
    | dict.fromkeys("‐‑‒–—―−", "-")
)
_KEEPS_MARKS = ("DEVANAGARI", "BENGALI", "TAMIL", "TELUGU", "GUJARATI", "GURMUKHI", "KANNADA", "MALAYALAM", "THAI")
_MAX_QUOTE = 240


@dataclass(frozen=True, slots=True)
class Normalized:
    """Folded text with a map back to the original.

    `origin[i]` is the index in `original` that character i of `text` came from; it never decreases.
    """

    original: str
    text: str
    origin: tuple[int, ...]

    def quote(self, start: int, end: int) -> str:
        """Return the student's own words behind `text[start:end]`, whole words, at most 240 characters."""
        if not self.origin or start >= end:
            return ""
        first, last = self.origin[start], self.origin[min(end, len(self.origin)) - 1] + 1
        while first > 0 and not self.original[first - 1].isspace():
            first -= 1
        while last < len(self.original) and not self.original[last].isspace():
            last += 1
        return self.original[first:last][:_MAX_QUOTE]

    def position(self, index: int) -> int:
        """Return where the original's character `index` ended up in `text`."""
        return max(bisect_right(self.origin, index) - 1, 0)


@dataclass(slots=True)
class _Draft:
    """Text under rewriting, one origin a character."""

    text: str
    origin: list[int]

    def sub(self, pattern: re.Pattern[str], replacement: Callable[[re.Match[str]], str | None]) -> None:
        """Replace every match; None from `replacement` leaves the match as it was."""
        pieces: list[str] = []
        origin: list[int] = []
        at = 0
        for match in pattern.finditer(self.text):
            new = replacement(match)
            if new is None or new == match.group():
                continue
            start, end = match.span()
            pieces += (self.text[at:start], new)
            origin += self.origin[at:start]
            # Spread the new characters over the old ones so that a quote spans all of what was written.
            old, steps = self.origin[start:end], max(len(new) - 1, 1)
            origin += [old[i * (len(old) - 1) // steps] for i in range(len(new))]
            at = end
        if pieces:
            self.text = "".join([*pieces, self.text[at:]])
            self.origin = origin + self.origin[at:]


class Normalizer:
    """Folds text by the packaged tables; building one reads them once."""

    def __init__(self) -> None:
        data: dict[str, Any] = yaml.safe_load(files("safety").joinpath("data/normalize.yaml").read_text("utf-8"))
        self.version = str(data["version"])
        self._confusable: dict[str, str] = data["confusables"]
        self._leet: dict[str, str] = data["leet"]
        self._vocabulary = frozenset(data["vocabulary"])
        self._emoji: dict[str, str] = data["emoji"]
        self._algospeak: dict[str, str] = data["algospeak"]
        signs = re.escape("".join(self._leet))
        self._coded = re.compile(
            rf"(?<![\w*])(?=[\w*{signs}]*[a-z*])(?=[\w*{signs}]*[*{signs}])[a-z*{signs}]{{2,16}}(?![\w*])"
        )
        phrases = sorted(
            (re.escape(phrase).replace(r"\ ", r"[\s-]+") for phrase in self._algospeak), key=len, reverse=True
        )
        self._phrases = re.compile(rf"(?<!\w)(?:{'|'.join(phrases)})(?!\w)")
        self._starred: dict[int, list[str]] = {}
        for word in sorted(self._vocabulary):
            self._starred.setdefault(len(word), []).append(word)

    def __call__(self, text: str) -> Normalized:
        """Fold `text`: lower case, one space between words, obfuscated words decoded. Never raises on any string."""
        draft = self._fold(text)
        draft.sub(_MIXED, self._fold_confusables)
        draft.sub(_SPACED, self._join_letters)
        draft.sub(self._coded, self._decode)
        draft.sub(_ELONGATED, self._shorten)
        draft.sub(_JOINER, lambda _: " ")
        draft.sub(self._phrases, lambda match: self._algospeak[re.sub(r"[\s-]+", " ", match.group())])
        draft.sub(_SPACE, lambda match: "\n" if "\n" in match.group() else " ")
        return Normalized(text, draft.text, tuple(draft.origin))

    def _fold(self, text: str) -> _Draft:
        if text.isascii():
            return _Draft(text.lower(), list(range(len(text))))
        pieces: list[str] = []
        origin: list[int] = []
        keeps_marks = False
        for index, character in enumerate(text.translate(_LATIN_TABLE)):
            if character in self._emoji:
                piece = f" {self._emoji[character]} "
            elif _vanishes(category := unicodedata.category(character), character, keeps_marks):
                continue
            elif category == "So" or "\U0001f3fb" <= character <= "\U0001f3ff":
                piece = _fold_one(character) if unicodedata.normalize("NFKC", character) != character else " "
            else:
                piece = _fold_one(character)
                keeps_marks = category == "Mn" or unicodedata.name(character, "").startswith(_KEEPS_MARKS)
            pieces.append(piece)
            origin += [index] * len(piece)
        return _Draft("".join(pieces), origin)

    def _fold_confusables(self, match: re.Match[str]) -> str | None:
        word = match.group()
        folded = "".join(self._confusable.get(character, character) for character in word)
        if folded == word:
            return None
        mixed = any("a" <= character <= "z" for character in word)
        return folded if mixed or (folded.isascii() and folded in self._vocabulary) else None

    def _join_letters(self, match: re.Match[str]) -> str | None:
        words = re.split(r"\s{2,}|[|/]\s?", match.group())
        joined = [re.sub(r"[\W_]", "", self._letters(word)) for word in words]
        segments = [self._segment(word) for word in joined]
        return " ".join(segment for segment in segments if segment) if all(segments) else None

    def _letters(self, word: str) -> str:
        return "".join(self._leet.get(character, character)[0] for character in word)

    def _segment(self, letters: str) -> str | None:
        """Split run-together letters into vocabulary words, fewest words first; None if they are not such words."""
        best: list[str | None] = [""] + [None] * len(letters)
        for end in range(1, len(letters) + 1):
            for start in range(max(0, end - 12), end):
                head, word = best[start], letters[start:end]
                if head is not None and word in self._vocabulary:
                    candidate = f"{head} {word}".strip()
                    if best[end] is None or candidate.count(" ") < str(best[end]).count(" "):
                        best[end] = candidate
        found = best[-1]
        return found if found and any(len(word) > 2 for word in found.split()) else None

    def _decode(self, match: re.Match[str]) -> str | None:
        word = match.group()
        if "*" in word:
            pattern = re.compile(re.escape(word).replace(r"\*", "[a-z]"))
            if not any("a" <= character <= "z" for character in word):
                return None
            fits = [known for known in self._starred.get(len(word), []) if pattern.fullmatch(known)]
            return fits[0] if len(fits) == 1 or (fits and len(word) > 3) else None
        body = word.rstrip("!")
        options = [self._leet.get(character, character) for character in body]
        if sum(len(option) > 1 for option in options) > 4 or 2 * sum(
            "a" <= character <= "z" for character in body
        ) < len(body):
            return None
        decoded = next((guess for guess in map("".join, product(*options)) if guess in self._vocabulary), None)
        return None if decoded is None else decoded + word[len(body) :]

    def _shorten(self, match: re.Match[str]) -> str:
        word = match.group()
        runs = [run.group() for run in re.finditer(r"(.)\1*", word)]
        options = [(run,) if len(run) == 1 else (run[:1], run[:2]) for run in runs]
        if sum(len(option) > 1 for option in options) <= 6:
            for guess in map("".join, product(*options)):
                if guess in self._vocabulary:
                    return guess
        return re.sub(r"(.)\1{2,}", r"\1", word)


_MIXED = re.compile(r"[^\W\d_]*[^\x00-\x7f][^\W\d_]*")
_SPACED = re.compile(r"(?<![\w'])[a-z0-9@$!|](?:(?:[ .\-_*~·]{1,2}|\s{3})[a-z0-9@$!|](?!\w)){2,}(?!\w)")
_ELONGATED = re.compile(r"[a-z]*([a-z])\1{2,}[a-z]*")
_JOINER = re.compile(r"(?<=\w)[-_~]+(?=\w)")
_SPACE = re.compile(r"[^\S\n]{2,}|\s*\n\s*|[\t\r\f\v\xa0]")


def _vanishes(category: str, character: str, keeps_marks: bool) -> bool:
    """Whether a character carries nothing: stray marks, zero-width and private characters, the Arabic tatweel."""
    return (category == "Mn" and not keeps_marks) or category in {"Cf", "Cs", "Co"} or character == "ـ"


@cache
def _fold_one(character: str) -> str:
    """Compatibility-fold one character and strip accents from Latin, Greek, Cyrillic and Arabic letters."""
    folded = unicodedata.normalize("NFKC", character).lower()
    if unicodedata.name(character, "").startswith(_KEEPS_MARKS):
        return folded
    parts = unicodedata.normalize("NFD", folded)
    bare = "".join(part for part in parts if unicodedata.category(part) != "Mn")
    return unicodedata.normalize("NFC", bare).translate(_ARABIC)


_ARABIC = str.maketrans("أإآٱىة", "اااايه")
