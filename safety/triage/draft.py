"""One reply of the script in the making: it says, asks, tells people and moves, and keeps the protocol's order.

A case is announced to the student before the effect that sends it, in the same reply; severity and tier only rise.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from safety.disclosure import law_for
from safety.policy import Decision, Flag, Tier, decide, load_policy
from safety.resources import emergency_for, poison_for, resources_for
from safety.triage.buttons import buttons
from safety.triage.facts import StudentFacts
from safety.triage.flow import Item, load_flow
from safety.triage.sharing import sharing_notice
from safety.triage.state import CheckIn, CheckInKind, TriageState, TriageStep
from safety.triage.step import (
    CaseNote,
    Choice,
    Confide,
    Digest,
    Effect,
    OpenCase,
    Page,
    RaiseCase,
    ScheduleCheckIn,
    ScriptStep,
)
from safety.triage.telling import Cause, due, running
from safety.triage.words import Words, words_for
from safety.types import Category, Mode, Screening, Severity, highest

DISCREET = (Category.ABUSE, Category.EXPLOITATION)
_INTERPOSED = ("el_country", "vo_heard")
"""Questions put between another question and its answer."""
MINOR_LIMITS = "minor_limits"


@dataclass
class Draft:
    """The reply being written, and the state it leads to."""

    state: TriageState
    facts: StudentFacts
    now: datetime
    messages: list[str] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    limits_said: bool = False
    """This reply tells a minor the limits of privacy."""
    known: TriageState = field(init=False)
    """The state that the reply began with."""

    def __post_init__(self) -> None:
        self.known = self.state

    @property
    def turned(self) -> bool:
        """The case was open already when this reply made it a confidential matter."""
        return self.known.case_open and self.state.confidential and not self.known.confidential

    @property
    def people_know(self) -> bool:
        """People were told of the open case: no later choice of the student takes that back."""
        delivery = self.facts.delivery
        return self.state.tier is not Tier.NONE or (delivery.expected_by is not None and delivery.closed_at is None)

    @property
    def words(self) -> Words:
        """The language of this case."""
        return words_for(self.state.language)

    @property
    def item(self) -> Item | None:
        """The question that stands."""
        return None if self.state.item is None else load_flow().items[self.state.item]

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The answers of the question that stands."""
        item = self.item
        return () if item is None else tuple(self.words.choice(item.id, value) for value in item.choices)

    def change(self, **fields: object) -> None:
        """Replace fields of the state."""
        self.state = replace(self.state, **fields)  # type: ignore[arg-type]  # The fields are the state's own, by name.

    def say(self, key: str, **values: str) -> None:
        """Add a text, in its `_told` form where people know already, in its `_no_poison` form where no such line is listed."""
        if self.people_know and self.words.has(f"{key}_told"):
            key = f"{key}_told"
        poison = poison_for(self.state.region)
        if poison is None and self.words.has(f"{key}_no_poison"):
            key = f"{key}_no_poison"
        emergency = emergency_for(self.state.region)
        self.messages.append(
            self.words.text(
                key,
                **{
                    "emergency": emergency.number if emergency else self.words.text("fallback.emergency"),
                    "poison": f"{poison.name}, {poison.number}" if poison else "",
                    "unstaffed": self.words.unstaffed(self.facts),
                    "part_of_day": self.words.part_of_day(self.now, self.facts.zone),
                    **values,
                },
            )
        )

    def ask(self, item_id: str, step: TriageStep | None = None) -> None:
        """Put a question and enter its step."""
        item = load_flow().items[item_id]
        self.enter(step or item.step)
        self.say(f"items.{item_id}.ask")
        self.change(item=item_id, asked=(*self.state.asked, item_id), reasked=False)
        if item_id not in _INTERPOSED:
            self.change(resume=None)

    def enter(self, step: TriageStep) -> None:
        """Move to a step; no question stands until one is asked."""
        since = self.state.since if step is self.state.step else self.now
        self.change(step=step, since=since, item=None)

    def decision(self) -> Decision:
        """What the policy says about the case as it stands."""
        return decide(self.state.category, self.state.matter, self.state.flags)

    def learn(
        self, severity: Severity = Severity.NONE, category: Category | None = None, flags: frozenset[Flag] = frozenset()
    ) -> None:
        """Take in what is now known; nothing already known is taken back."""
        known = category or self.state.category
        self.change(
            severity=highest(self.state.severity, severity),
            matter=highest(self.state.matter, severity),
            category=known,
            flags=self.state.flags | flags,
            confidential=self.state.confidential or known in DISCREET,
        )

    def may_mean(self, screening: Screening) -> None:
        """Keep what words may mean until the student says so."""
        self.change(
            unconfirmed=highest(self.state.unconfirmed, screening.severity), unconfirmed_category=screening.category
        )

    def new_episode(self, category: Category, severity: Severity) -> None:
        """Begin again after a rest: people are told anew, unless a call about this matter still runs.

        The same matter gets no discount on what was known before.
        """
        same = category is self.state.category
        self.change(
            matter=highest(self.state.severity, severity) if same else severity,
            tier=running(self.state, self.now) if same else Tier.NONE,
            flags=frozenset(),
            human_contact=False,
            refusals=0,
        )
        self.learn(severity, category)

    def tell(self, before: TriageState, cause: Cause = Cause.WORDS) -> bool:
        """Open or raise the case, and if people are to be told (again), say so and then do so; returns whether they are.

        Args:
            before: the state before this message, to see what is new.
            cause: why they may have to be told.
        """
        told, call = running(self.state, self.now), self.due(cause)
        tier = max(self.decision().tier, call, told if call.rank else self.state.tier, key=lambda tier: tier.rank)
        case = (self.state.category, self.state.severity, tier)
        if not self.state.case_open:
            self.effects.append(OpenCase(*case, confidential=self.state.confidential))
        elif (self.state.category, self.state.severity) != (
            before.category,
            before.severity,
        ) or tier is not self.state.tier:
            self.effects.append(RaiseCase(*case))
        self.change(case_open=True, tier=tier)
        if call.rank:
            self.share(call, "answer" if told.rank and cause is Cause.WORDS else cause.value)
        elif self.turned and self.known.tier.rank:
            self.say("say.confidential.now")
        elif self.facts.minor and MINOR_LIMITS not in self.state.asked:
            self._say_minor_limits()
        return bool(call.rank)

    def due(self, cause: Cause) -> Tier:
        """The tier at which people are to be called about the case as it stands; `Tier.NONE` when nobody is."""
        return due(cause, self.decision(), self.state, self.facts, self.now)

    def confide(self, category: Category) -> None:
        """Take in that the words are about a matter for confidential staff alone, whatever the case is about."""
        self.change(confidential=self.state.confidential or category in DISCREET)

    def share(self, tier: Tier, reason: str) -> None:
        """Say what is shared with whom and what may follow; then send it.

        Whoever was in contact before does not count for what is sent now, unless they are still there.
        """
        contact = self.state.human_contact and (self.state.step is TriageStep.LIVE or not tier.pages)
        self.change(told_at=self.now, human_contact=contact)
        notice = sharing_notice(tier, reason, self.state, self.facts, self.now)
        self.messages.append(notice)
        if self.facts.minor and MINOR_LIMITS not in self.state.asked:
            self._say_minor_limits()
        effect = Page if tier.pages else Digest
        self.effects.append(effect(tier, reason, confidential=self.state.confidential))

    def schedule(self, at: datetime, kind: CheckInKind) -> None:
        """Come back at a moment."""
        self.change(check_ins=(*self.state.check_ins, CheckIn(at, kind)))
        self.effects.append(ScheduleCheckIn(at, kind, discreet=self.state.confidential))

    def schedule_follow_ups(self) -> None:
        """Book the follow-ups, once a case."""
        if any(entry.kind is CheckInKind.FOLLOW_UP for entry in self.state.check_ins):
            return
        for wait in load_policy().timing.follow_ups:
            self.schedule(self.now + wait, CheckInKind.FOLLOW_UP)

    def note(self, note: str) -> None:
        """Store a fact with the case, if there is one."""
        if self.state.case_open:
            self.effects.append(CaseNote(note))

    def done(self) -> ScriptStep:
        """Return the reply with the lines, a person and the plan beside it."""
        resources = resources_for(self.state.region, self.state.language)
        if self.turned and Confide() not in self.effects:
            # Last, so that a call of this reply counts as the one by which confidential staff are told.
            self.effects.append(Confide())
        return ScriptStep(
            state=self.state,
            mode=self.state.mode,
            messages=tuple(self.messages),
            choices=(*self.choices, *buttons(self.state, self.facts, resources, self.words)),
            resources=resources,
            effects=tuple(self.effects),
        )

    def back_to_ordinary(self) -> ScriptStep:
        """Return the reply that ends the script. What was announced is kept: a follow-up still to come keeps the state."""
        if self.state.check_ins:
            self.enter(TriageStep.FOLLOW_UP)
            return self.done()
        return replace(self.done(), state=None, mode=Mode.ORDINARY, choices=())

    def _say_minor_limits(self) -> None:
        self.say(f"{MINOR_LIMITS}.{law_for(self.facts.campus_region, self.state.region).minor_rule}")
        self.change(asked=(*self.state.asked, MINOR_LIMITS))
        self.limits_said = True


def begin(category: Category, facts: StudentFacts, now: datetime) -> Draft:
    """Return a draft at the door of the protocol: nothing known, nobody told."""
    words = words_for(facts.language)
    state = TriageState(
        step=TriageStep.SCREEN,
        category=category,
        severity=Severity.NONE,
        since=now,
        last_student_at=now,
        script_version=f"{words.language}:{words.version}/flow:{load_flow().version}",
        language=words.language,
        region=facts.region,
        confidential=category in DISCREET,
    )
    return Draft(state, facts, now)
