"""Replies to pain and trouble: say back, then one move that was not made yet."""

from __future__ import annotations

from collections.abc import Mapping

from agents.dialogue.echoes import echoes, plain_echo
from agents.dialogue.ledger import Ledger, answers
from agents.dialogue.moves import Move, Plan, topic_of
from agents.dialogue.phrases import Phrase, Phrasebook
from agents.dialogue.situation import Situation
from agents.dialogue.topics import Topic
from agents.dialogue.wording import Act, Part, Pool

Acts = Mapping[str, Pool]
MOVES = (
    "deeper", "meaning", "offer_choice", "coping", "summary", "effort", "people", "offer_skill", "deeper", "permission",
    "step", "meaning", "check_in", "people_point", "coping", "stay", "scale", "deeper", "effort", "step", "people",
    "permission", "check_in", "stay",
)  # fmt: skip
"""What may follow the reflection from the second reply on. Which one is due follows from how much was heard already;
one whose lines are used up gives way to the next. Offers come after listening, as VOICE asks."""
PUSHING = frozenset({"offer_choice", "offer_skill", "step", "coping", "people_point"})
"""Left out while the student asked only to be heard."""
OFFERING = frozenset({"offer_choice", "offer_skill"})
"""Left out for a while once something was offered."""
ENOUGH_WORDS = 3
"""A message of fewer words is an answer, not a story: it is taken in and not mirrored."""


def hear(plan: Plan, situation: Situation, ledger: Ledger, book: Phrasebook) -> list[Part]:
    """Reflection first; then company (first reply), an offer, or the next move."""
    topic = topic_of(situation, ledger)
    if plan.detail:
        heard: Part = Act((book.acts["scale_heard"],), {"number": plan.detail})
        return [heard, *_next_moves(topic, ledger, book.acts)]
    parts: list[Part] = [reflection(situation, ledger, book.acts)]
    if plan.move is Move.OFFER:
        parts.append(Act((book.acts["offer_skill"], book.acts["offer_library"]), _offer(topic), must_ask=True))
    elif answers("decide", situation.reading.text):
        parts.append(Act((book.acts["ask_decide"], book.acts["ask_deeper"]), must_ask=True))
    elif ledger.heard == 0:
        parts.append(Act((_lines(topic, "open"), book.acts["ask_open"]), must_ask=True))
    else:
        parts += _next_moves(topic, ledger, book.acts)
    return parts


def listen(ledger: Ledger, book: Phrasebook) -> list[Part]:
    """The student wants to be heard only."""
    return [Act((book.acts["listening_on"],)), Act((book.acts["listening_open"], book.acts["stay"]))]


def reflection(situation: Situation, ledger: Ledger, acts: Acts) -> Act:
    """Say back what happened; else the shape of the sentence; else the feeling; else the statement turned round."""
    reading = situation.reading
    pools = [_filled(happening.event.say, happening.slots) for happening in reading.happenings]
    pools += [_filled(echo.say, echo.slots) for echo in echoes(reading.text)]
    pools += [acts.get(f"feel_{feeling.name}", ()) for feeling in reading.feelings if not feeling.positive]
    if reading.intent == "unsure" and reading.explicit:
        pools.append(acts["dont_know"])
    elif not any(pools) and ledger.earlier and _is_short(reading.text):
        pools.append(acts["short_answer"])
    if plain := plain_echo(reading.text, acts["plain_echo"]):
        pools.append(_filled(plain.say, plain.slots))
    if ledger.heard:
        pools.append(acts["more_of_it"])
    return Act((*pools, acts["feel_unnamed"]))


def _is_short(text: str) -> bool:
    if len(text.split()) < ENOUGH_WORDS:
        return True
    return len(text) < 30 and bool(answers("yes", text) or answers("no", text))


def _filled(say: Pool, slots: Mapping[str, str]) -> Pool:
    """Lines with their slots put in, so that one pool's words never fill another's."""
    return tuple(Phrase.of(_escaped(phrase.fill(slots))) for phrase in say if phrase.slots <= slots.keys())


def _escaped(words: str) -> str:
    return words.replace("{", "(").replace("}", ")")


def _next_moves(topic: Topic | None, ledger: Ledger, acts: Acts) -> list[Part]:
    """The move that is due, with the following ones behind it for when its lines are used up."""
    left_out = (PUSHING if ledger.listening else frozenset()) | (OFFERING if ledger.offered_lately else frozenset())
    allowed = [move for move in MOVES if move not in left_out]
    due = (ledger.heard - 1) % len(allowed)
    order = [*allowed[due:], *allowed[:due]]
    pools: list[Pool] = []
    slots: dict[str, str] = {**_offer(topic), **_summary(ledger)}
    for move in dict.fromkeys(order):
        pools += _pools(move, topic, ledger, acts)
    return [Act(tuple(pools), slots)]


def _pools(move: str, topic: Topic | None, ledger: Ledger, acts: Acts) -> list[Pool]:
    match move:
        case "deeper" | "coping" | "step":
            return [_lines(topic, move), acts[f"ask_{move}"]]
        case "meaning":
            return [_lines(topic, "meaning")]
        case "summary":
            return [acts["summary_three"], acts["summary"]]
        case "people" | "scale":
            return [acts[f"ask_{move}"]]
        case "effort":
            return [acts["notice_effort"]]
        case _:
            return [acts[move]]


def _lines(topic: Topic | None, act: str) -> Pool:
    return topic.lines[act] if topic else ()


def _offer(topic: Topic | None) -> dict[str, str]:
    return {"offer": topic.offer} if topic else {}


def _summary(ledger: Ledger) -> dict[str, str]:
    """Names of the last two or three things told; nothing when there are fewer."""
    names = list(dict.fromkeys(happening.name for happening in ledger.happenings()))[-3:]
    if len(names) < 2:
        return {}
    slots = {"first": names[0], "second": names[1]}
    return {**slots, "third": names[2]} if len(names) == 3 else slots


def after_skill(detail: str, situation: Situation, book: Phrasebook) -> list[Part]:
    """How a skill went."""
    acts = book.acts
    match detail:
        case "failed":
            return [Act((acts["skill_failed"],)), Act((acts["skill_failed_ask"],), must_ask=True)]
        case "helped":
            more = answers("failed", situation.reading.text) is None
            return [Act((acts["skill_helped"],)), Act((acts["check_in"] if more else acts["stay"],))]
        case _:
            return [Act((acts["notice_effort"],)), Act((acts["skill_done"],), must_ask=True)]
