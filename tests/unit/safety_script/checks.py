"""What must hold for every reply of the script, each as a function that names the fault it finds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta

from safety.policy import Tier, decide
from safety.resources import emergency_for
from safety.triage.draft import DISCREET
from safety.triage.facts import InputKind
from safety.triage.flow import load_flow
from safety.triage.state import Answer, TriageState, TriageStep
from safety.triage.step import Confide, Digest, OpenCase, Page, RaiseCase, RecordAnswer, ScheduleCheckIn
from safety.triage.words import words_for
from safety.types import Category, Mode, Severity
from tests.unit.safety_script.walks import Move

Check = Callable[[Move], str | None]

_SUICIDE_ITEMS = {"wish", "thoughts", "method", "intent", "plan", "behaviour", "sh_thoughts", "tp_self"}
_OPENED = re.compile(
    r"opened by a|has (?:opened|read|seen)|(?:was|been) (?:opened|read|seen)|abierto por|ha (?:abierto|leído|visto)",
    re.I,
)
_UNOPENED = re.compile(r"nobody (?:here )?has opened|nadie (?:de aquí )?ha abierto", re.I)
_SENT = re.compile(
    r"\b(?:sent|enviado) \d|(?:has|have|was|were|been) (?:sent|notified|told|alerted|called)\b|ha sido (?:enviad|avisad)",
    re.I,
)
_NOT_SENT = re.compile(r"nothing (?:has been|is) (?:stored as a case and nothing is )?sent|no se ha enviado nada", re.I)
_WRITING = re.compile(r"(?:counselor|somebody|someone) is (?:writing|typing)|está escribiendo", re.I)
_COMING = re.compile(
    r"\bon (?:the|their|his|her) way\b(?! to you, or)|\b(?:is|are) coming\b|\bviene(?:n)? en camino|\bestá en camino",
    re.I,
)
_RUNS, _WITH_A_PERSON = timedelta(minutes=30), timedelta(minutes=3)
"""How long a call runs, and for how long somebody who wrote counts as being there: as the policy has it, written again."""
_NUMBER = re.compile(
    r"\b(?:911|999|112|000|111|100)\b|emergency number|número local|number you know|número que conozcas"
)
_JOINED = re.compile(r"has joined|entró en esta", re.I)


def one_tap_away(move: Move) -> str | None:
    """A line, a person or the plan is beside every reply."""
    taps = [choice for choice in move.step.choices if choice.href or choice.value == "want_person"]
    links = [link for entry in move.step.resources for link in (entry.call_href, entry.text_href, entry.chat) if link]
    return None if links and (taps or move.step.state is None) else "no way out on the screen"


def severity_never_falls(move: Move) -> str | None:
    """Only a counselor lowers; and no effect reports less than is known."""
    known = move.before.severity if move.before else Severity.NONE
    after = move.step.state
    reported = [effect.severity for effect in move.step.effects if isinstance(effect, OpenCase | RaiseCase)]
    if after is not None and after.severity.rank < known.rank:
        return f"severity fell from {known} to {after.severity}"
    return "an effect reports less than is known" if any(one.rank < known.rank for one in reported) else None


def claims_only_facts(move: Move) -> str | None:
    """What is said about delivery is in the stored facts."""
    delivery = move.facts.delivery
    for text in move.step.messages:
        if _UNOPENED.search(text):
            if delivery.opened_at is not None:
                return f"claims nobody opened it: {text}"
        elif _OPENED.search(text) and delivery.opened_at is None:
            return f"claims it was opened: {text}"
        if _SENT.search(text) and delivery.sent_at is None and not _NOT_SENT.search(text):
            return f"claims it was sent: {text}"
        if _WRITING.search(text) and delivery.writing_at is None:
            return f"claims somebody writes: {text}"
        if _COMING.search(text):
            return f"claims somebody is coming: {text}"
        if _JOINED.search(text) and move.what != "takes over":
            return f"claims somebody joined: {text}"
    return None


_NOBODY = re.compile(
    r"\bI tell nobody(?! else)|nobody here can open|nothing has been sent\. The exit"
    r"|no aviso a nadie(?! más)|nadie de aquí puede abrir|no se ha enviado nada\. El botón",
    re.I,
)


def nobody_means_nobody(move: Move) -> str | None:
    """That nobody is told or can open the conversation is said only where nobody was told."""
    known = move.facts.delivery.expected_by is not None and move.facts.delivery.closed_at is None
    told = known or (move.step.state is not None and move.step.state.tier is not Tier.NONE)
    said = [text for text in move.step.messages if _NOBODY.search(text)]
    return f"claims nobody was told: {said[0]}" if said and told else None


def a_survivor_has_the_number(move: Move) -> str | None:
    """Whoever tells of abuse, stalking or pressure reads at once whom to call if the danger is now, at every grade."""
    verdict = move.verdict
    if move.before is not None or verdict is None or not verdict.crisis or verdict.category not in DISCREET:
        return None
    if move.facts.input is InputKind.VOICE_UNCONFIRMED:
        return None
    number = emergency_for(move.facts.region)
    shown = number.number if number else words_for(move.facts.language).text("fallback.emergency")
    return None if any(shown in text for text in move.step.messages) else "no emergency number in the reply"


def told_before_sent(move: Move) -> str | None:
    """Whoever is told, the same reply says first what is sent, to whom and to whom not."""
    for effect in move.step.effects:
        if isinstance(effect, Page | Digest) and not _notice(move, effect):
            return f"{effect} without its notice"
    tier = move.before.tier if move.before else Tier.NONE
    sends = any(isinstance(effect, Page | Digest) for effect in move.step.effects)
    rises = move.step.state is not None and move.step.state.tier.rank > tier.rank
    return "the tier rose and nobody is told" if rises and not sends else None


def _notice(move: Move, effect: Page | Digest) -> bool:
    state = move.step.state
    if state is None:
        return False
    words = words_for(state.language)
    verb = {"en": "sending this conversation to", "es": "envío esta conversación a"}[words.language]
    if effect.confidential:
        who = "confidential"
    elif not effect.tier.pages or not move.facts.staffed_now:
        who = "staff"
    else:
        who = "counselor_supervisor" if effect.tier is Tier.PAGE_ALL else "counselor"
    parts = [
        verb,
        {"en": "not to professors", "es": "no a profesores"}[words.language],
        words.text(f"sharing.who.{who}"),
    ]
    if effect.tier.pages:
        parts.append(
            {"en": "in an emergency may involve others", "es": "en una emergencia, puede involucrar"}[words.language]
        )
    if not move.facts.staffed_now:
        parts.append(words.unstaffed(move.facts))
    return any(all(part.replace(" ", "") in re.sub(r"\s", "", text) for part in parts) for text in move.step.messages)


def unstaffed_is_said(move: Move) -> str | None:
    """Where nobody looks, no text says that somebody does."""
    if move.facts.staffed_now:
        return None
    promise = re.compile(r"i'll show you when|te mostraré cuándo|tell the on-call|avisaré a la persona", re.I)
    said = [text for text in move.step.messages if promise.search(text)]
    return f"promises staff: {said[0]}" if said else None


def minors_know_the_limits(move: Move) -> str | None:
    """A minor hears the limits of privacy before, or in, the reply that first tells anybody."""
    state = move.step.state
    tells = any(isinstance(effect, Page | Digest) for effect in move.step.effects)
    if not (move.facts.minor and tells and state):
        return None
    said = "minor_limits" in state.asked and (_limits_in(move) or (move.before and "minor_limits" in move.before.asked))
    return None if said else "a minor was not told the limits"


def _limits_in(move: Move) -> bool:
    return any("18" in text for text in move.step.messages)


def crisis_reaches_people(move: Move) -> str | None:
    """Crisis words always meet the script, and never a lower tier than the policy has for them."""
    words, state = move.verdict, move.step.state
    if words is None or not words.crisis or move.facts.input is InputKind.VOICE_UNCONFIRMED:
        return None
    if move.step.mode is Mode.LIVE_PERSON:
        return None
    if move.step.passes_on or not move.step.messages or state is None:
        return "crisis words passed on"
    if not state.case_open:
        return "crisis words without a case"
    wanted = decide(words.category, words.severity).tier
    return None if state.tier.rank >= wanted.rank else f"tier {state.tier}, policy says {wanted}"


def unconfirmed_voice_calls_nobody(move: Move) -> str | None:
    """An unconfirmed transcript may ask; it opens no case and tells nobody."""
    if move.facts.input is not InputKind.VOICE_UNCONFIRMED or move.verdict is None:
        return None
    acted = [effect for effect in move.step.effects if isinstance(effect, OpenCase | RaiseCase | Page | Digest)]
    return f"unconfirmed words did {acted[0]}" if acted else None


def clarifying_calls_nobody(move: Move) -> str | None:
    """A clarifying question tells nobody."""
    state = move.step.state
    asked = state is not None and state.step is TriageStep.CLARIFY and move.verdict is not None and move.verdict.clarify
    acted = [effect for effect in move.step.effects if isinstance(effect, Page | Digest | OpenCase)]
    return f"clarifying did {acted[0]}" if asked and acted else None


def grave_words_reach_people(move: Move) -> str | None:
    """Words, answers and buttons that page call people, unless a call about them runs or a person is there now."""
    wanted = _wanted(move)
    if wanted is None or not wanted.pages:
        return None
    paged = [effect.tier.rank for effect in move.step.effects if isinstance(effect, Page)]
    if paged:
        return None if max(paged) >= wanted.rank else f"paged below {wanted}"
    return None if _runs(move, wanted) or _beside(move, wanted) else f"nobody is called: {wanted}"


def _wanted(move: Move) -> Tier | None:
    """What the policy says about what was said, apart from all that was known before."""
    before, words = move.before, move.verdict
    if words is None or move.facts.input is InputKind.VOICE_UNCONFIRMED:
        return None
    if words.crisis:
        return decide(words.category, words.severity).tier
    if before is None or move.tapped is None:
        return None
    if move.tapped == "done_something":
        return Tier.PAGE_NOW  # Somebody else's emergency; the student's own is held to more below.
    if move.tapped == "want_person":
        return Tier.PAGE_NOW
    item = load_flow().items.get(before.item or "")
    found = item.choices.get(move.tapped) if item and before.step is not TriageStep.LIVE else None
    if found is None:
        return None
    if found.worse:
        return decide(before.category, before.severity).tier
    return decide(found.switch or before.category, found.severity, found.flags).tier if found.raises else None


def _runs(move: Move, wanted: Tier) -> bool:
    before = move.before
    told = before.told_at if before else None
    return before is not None and told is not None and move.at - told < _RUNS and before.tier.rank >= wanted.rank


def _beside(move: Move, wanted: Tier) -> bool:
    """Whether a person is in the conversation who was called as urgently, or whom the student asks for; not in an emergency."""
    before, delivery = move.before, move.facts.delivery
    if before is None or before.step is not TriageStep.LIVE or wanted is Tier.PAGE_ALL:
        return False
    heard = max(filter(None, (before.since, delivery.last_person_at, delivery.writing_at)))
    called = before.tier.rank >= wanted.rank or move.tapped == "want_person"
    return called and move.at - heard < _WITH_A_PERSON


def a_call_is_remembered_when_it_is_made(move: Move) -> str | None:
    """When people were called moves with a call, and with nothing else but a person who leaves."""
    after = move.step.state
    if after is None or move.what == "hand back":
        return None
    calls = any(isinstance(effect, Page | Digest) for effect in move.step.effects)
    if calls:
        return None if after.told_at == move.at else f"called at {move.at}, remembered {after.told_at}"
    known = move.before.told_at if move.before else None
    return None if after.told_at == known else "remembers a call that nobody made"


def first_aid_is_said(move: Move) -> str | None:
    """Imminent words and 'already done' are answered with the emergency number, unless a person who was called is there."""
    words = move.verdict
    imminent = words is not None and words.crisis and words.severity is Severity.IMMINENT
    done = move.tapped == "done_something"
    if move.facts.input is InputKind.VOICE_UNCONFIRMED or not (imminent or done):
        return None
    wanted = _wanted(move) or Tier.NONE
    if move.step.mode is Mode.LIVE_PERSON and (_runs(move, wanted) or _beside(move, wanted)):
        return None
    return None if any(_NUMBER.search(text) for text in move.step.messages) else "no first aid"


def no_answer_is_invented(move: Move) -> str | None:
    """Own words of a crisis are not put down as a doubt the student never chose."""
    before, words = move.before, move.verdict
    if before is None or words is None or not words.crisis or move.tapped == Answer.UNSURE:
        return None
    made = [effect for effect in move.step.effects if isinstance(effect, RecordAnswer)]
    return "an answer is invented" if any(one.value == Answer.UNSURE for one in made) else None


def what_words_may_mean_is_kept(move: Move) -> str | None:
    """Unclear words that stay unexplained do not end in the ordinary conversation."""
    before = move.before
    if before is None or before.unconfirmed is Severity.NONE or before.case_open or move.step.state is not None:
        return None
    left = move.tapped in ("refused", "stop") or (move.verdict is None and move.tapped is None)
    return "unclear words are taken for harmless" if left and before.step is not TriageStep.FOLLOW_UP else None


def emergency_comes_first(move: Move) -> str | None:
    """A reply that enters the emergency begins with the emergency number."""
    state = move.step.state
    if state is None or state.item != "em_what" or move.what == "degraded":
        return None
    if (
        move.before is not None
        and (move.before.step is not TriageStep.SILENT)
        and move.before.item in ("em_what", "el_country")
    ):
        return None
    if move.before is not None and move.before.step is TriageStep.SILENT:
        return None
    first = move.step.messages[0]
    named = re.search(r"\b(?:911|999|112|000|111)\b|emergency number|número local", first)
    return None if named else f"the emergency begins with: {first}"


def no_suicide_questions_to_others(move: Move) -> str | None:
    """Harm to others has its own script."""
    state = move.step.state
    if state is not None and state.category is Category.HARM_TO_OTHERS and state.item in _SUICIDE_ITEMS:
        return f"harm to others was asked {state.item}"
    return None


def refusal_is_kept(move: Move) -> str | None:
    """After 'I won't keep asking' no question stands."""
    state = move.step.state
    return "asks after a refusal" if state and state.step is TriageStep.REFUSED and state.item else None


def silent_beside_a_person(move: Move) -> str | None:
    """While a person is in the conversation, the companion says nothing but whom it calls as well."""
    beside = move.before is not None and move.before.step is TriageStep.LIVE and move.verdict is not None
    if not beside:
        return None
    if move.step.mode is not Mode.LIVE_PERSON:
        return "took the conversation from a person"
    calls = any(isinstance(effect, Page) for effect in move.step.effects)
    return "spoke beside a person" if move.step.messages and not calls else None


def guard_lasts(move: Move) -> str | None:
    """High and imminent cases stay guarded until a person has been in contact."""
    before = move.before
    ended = move.step.mode is Mode.ORDINARY
    if before is None or not ended or before.mode is Mode.ORDINARY or not before.case_open:
        return None
    grave = before.severity.rank >= Severity.HIGH.rank and not before.human_contact
    return "the guard ended without a person" if grave else None


def no_guessed_region(move: Move) -> str | None:
    """Without a known country only the finder is shown."""
    region = move.step.state.region if move.step.state else None
    if region is not None or move.step.state is None:
        return None
    return "guessed a country" if any(entry.region != "international" for entry in move.step.resources) else None


def a_turned_case_is_confidential(move: Move) -> str | None:
    """An open case that words turn to a confidential matter is marked so in the same reply, whatever its tier.

    Those who were told of it hear who is told from here on, unless a person is there already.
    """
    before, after, words = move.before, move.step.state, move.verdict
    if before is None or after is None or not before.case_open or before.confidential:
        return None
    heard = words is not None and words.crisis and move.facts.input is not InputKind.VOICE_UNCONFIRMED
    if heard and words is not None and words.category in DISCREET and not after.confidential:
        return "words about abuse leave the case open to everybody"
    if not after.confidential:
        return None
    if not any(isinstance(effect, Confide) for effect in move.step.effects):
        return "the case turned and is not marked confidential"
    silent = before.tier is Tier.NONE or move.step.mode is Mode.LIVE_PERSON
    named = any("onfiden" in text for text in move.step.messages)
    return None if silent or named else "nothing is said of who is told from here on"


def survives_storage(move: Move) -> str | None:
    """The state is the same after it was stored."""
    state = move.step.state
    if state is None or TriageState.from_dict(json.loads(json.dumps(state.to_dict()))) == state:
        return None
    return "the state changes when it is stored"


def check_ins_are_kept(move: Move) -> str | None:
    """What is announced to come back is in the state."""
    kept = {entry.at for entry in move.step.state.check_ins} if move.step.state else set()
    lost = [effect for effect in move.step.effects if isinstance(effect, ScheduleCheckIn) and effect.at not in kept]
    return f"{lost[0]} is not in the state" if lost else None


def declared_transition(move: Move) -> str | None:
    """Only transitions of the declared table happen."""
    if move.before is None:
        return None
    after = move.step.state.step if move.step.state else None
    allowed = load_flow().transitions[move.before.step]
    return None if after in allowed else f"{move.before.step} -> {after} by {move.what} is not declared"


CHECKS: tuple[Check, ...] = (
    one_tap_away, severity_never_falls, claims_only_facts, told_before_sent, unstaffed_is_said, minors_know_the_limits,
    crisis_reaches_people, grave_words_reach_people, a_call_is_remembered_when_it_is_made, first_aid_is_said,
    no_answer_is_invented, what_words_may_mean_is_kept, unconfirmed_voice_calls_nobody, clarifying_calls_nobody, emergency_comes_first,
    no_suicide_questions_to_others, refusal_is_kept, silent_beside_a_person, guard_lasts, no_guessed_region,
    a_turned_case_is_confidential, survives_storage, check_ins_are_kept, declared_transition, nobody_means_nobody,
    a_survivor_has_the_number,
)  # fmt: skip


def faults(move: Move) -> list[str]:
    """Every fault of one move, named by its check."""
    return [f"{check.__name__}: {fault} [{move.what}]" for check in CHECKS if (fault := check(move))]
