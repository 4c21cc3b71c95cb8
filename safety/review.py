"""Review of every sentence of a model's reply and of every retrieved passage, before anybody sees it.

What fails is replaced by a sentence of `data/review.yaml`, never shown. A rule that cannot run counts as fired.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from safety.review_rules import Rule, TextKind, listed_numbers, load_rules
from safety.sentences import cut_sentences
from safety.triage.facts import DeliveryFacts

_SCAN_LIMIT = 1000
"""Characters of one piece; longer ones are cut before review, so that no pattern meets unbounded text."""


_QUOTE = re.compile('["“”„«»]')
CLAUSES = re.compile(r"[,;]| - ")
_STRAIGHT = str.maketrans("’‘“”–—", "''\"\"--")


@dataclass(frozen=True, slots=True)
class ReviewContext:
    """What a sentence is measured against."""

    kind: TextKind = TextKind.REPLY
    language: str = "en"
    delivery: DeliveryFacts = field(default_factory=DeliveryFacts)
    """Stored facts; a claim that somebody was told stands only on these."""


@dataclass(frozen=True, slots=True)
class ReviewVerdict:
    """Whether a sentence may be shown, and what is shown in its place."""

    ok: bool
    rule: str | None = None
    replacement: str | None = None
    stops: bool = False
    """What follows in the same text is dropped as well."""


_PASSED = ReviewVerdict(ok=True)


def review_sentence(sentence: str, context: ReviewContext) -> ReviewVerdict:
    """Return whether a sentence may be shown; the first rule that it meets decides."""
    plain = _plain(sentence)
    for rule in load_rules():
        if context.kind in rule.kinds and _meets(rule, plain, context):
            replacement = rule.say.get(context.language.split("-")[0], rule.say["en"])
            return ReviewVerdict(ok=False, rule=rule.id, replacement=replacement, stops=rule.stops)
    return _PASSED


class ReviewBuffer:
    """Takes a text as it streams and gives it back sentence by sentence, reviewed.

    A replacement is shown once a rule; after a rule that stops, nothing more of the text is shown.
    """

    def __init__(self, context: ReviewContext) -> None:
        self._context = context
        self._pending = ""
        self._tail = ""
        self._quoting = False
        self.findings: list[ReviewVerdict] = []
        self.stopped = False

    def feed(self, delta: str) -> tuple[str, ...]:
        """Take a piece of the stream; return the sentences it completed, each with the white space after it."""
        self._pending += delta
        sentences, self._pending = cut_sentences(self._pending, _SCAN_LIMIT)
        return self._reviewed(sentences)

    def finish(self) -> tuple[str, ...]:
        """Return what is left when the stream has ended."""
        rest, self._pending = self._pending, ""
        return self._reviewed((rest,)) if rest.strip() else ()

    def _reviewed(self, sentences: tuple[str, ...]) -> tuple[str, ...]:
        shown = []
        for sentence in sentences:
            if self.stopped:
                break
            verdict = self._verdict(sentence)
            if verdict.ok:
                shown.append(sentence)
                continue
            if all(earlier.rule != verdict.rule for earlier in self.findings) and verdict.replacement:
                shown.append(verdict.replacement + (_space_after(sentence) or " "))
            self.findings.append(verdict)
            self.stopped = verdict.stops
        return tuple(shown)

    def _verdict(self, sentence: str) -> ReviewVerdict:
        """Review the sentence alone and together with the end of what came before it without a full stop.

        Inside a quotation that an earlier sentence began, the words stay somebody else's.
        """
        marks = len(_QUOTE.findall(sentence))
        verdict = review_sentence(f'"{sentence}' if self._quoting else sentence, self._context)
        self._quoting ^= marks % 2 == 1
        if verdict.ok and self._tail:
            verdict = review_sentence(f"{self._tail} {sentence}", self._context)
        ended = sentence.rstrip().endswith((".", "!", "?", "…", "。", "！", "？"))
        self._tail = "" if ended or not verdict.ok else sentence.strip()[-200:]
        return verdict


def review_text(text: str, context: ReviewContext) -> tuple[str, tuple[ReviewVerdict, ...]]:
    """Review a whole text, such as a retrieved passage; return what may be shown and what was found."""
    buffer = ReviewBuffer(context)
    shown = "".join((*buffer.feed(text), *buffer.finish()))
    return shown.rstrip(), tuple(buffer.findings)


def _meets(rule: Rule, plain: str, context: ReviewContext) -> bool:
    if rule.self_talk is not None:
        return not rule.self_talk.allows(plain, english=context.language.startswith("en"))
    clauses = tuple(part for part in CLAUSES.split(plain) if part.strip())
    if any(one.meets(clause) for one in rule.together for clause in (clauses if one.by_clause else (plain,))):
        return not (rule.backed_by_delivery and _is_backed(plain, context.delivery))
    found = [
        match
        for pattern in rule.any
        for match in pattern.finditer(plain)
        if not any(unless.search(_clause(plain, match)) for unless in rule.unless)
    ]
    if not found:
        return False
    if rule.backed_by_delivery:
        return not _is_backed(plain, context.delivery)
    if rule.listed_numbers:
        return any(re.sub(r"\D", "", match["number"]) not in listed_numbers() for match in found)
    return True


def _clause(plain: str, match: re.Match[str]) -> str:
    """The words between the commas around a match: a negation elsewhere in the sentence excuses nothing."""
    start = max((mark.end() for mark in CLAUSES.finditer(plain, 0, match.start())), default=0)
    end = CLAUSES.search(plain, match.end())
    return plain[start : end.start() if end else len(plain)].strip()


def _is_backed(plain: str, delivery: DeliveryFacts) -> bool:
    """Whether stored facts carry the claim. That somebody is coming is never a fact of ours."""
    if re.search(
        r"\b(?:coming|on (?:the|their|its|his|her) way|dispatched|call you|reach out|viene|camino|llamar)\b", plain
    ):
        return False
    if re.search(r"\b(?:opened|seen|saw|read|reading|looking)\b", plain):
        return delivery.opened_at is not None
    if re.search(r"\b(?:writing|typing)\b", plain):
        return delivery.writing_at is not None
    return delivery.sent_at is not None


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text)
    kept = "".join(char for char in folded if unicodedata.category(char) != "Cf")
    kept = kept.translate(_STRAIGHT)
    return " ".join(re.sub(r"[*_`~#>]+", "", kept).split()).lower()


def _space_after(sentence: str) -> str:
    return sentence[len(sentence.rstrip()) :]
