"""Students with something to say, and the responder that answers them without a database."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_DNS, uuid5
from zoneinfo import ZoneInfo

from agents.dialogue.phrases import Phrasebook
from agents.dialogue.responder import Responder
from agents.dialogue.situation import Call, OpenTask, Result, Situation
from agents.dialogue.understand import Reader
from agents.router import route
from agents.state import PastMessage
from embedding.onnx import OnnxEmbedder
from safety.types import Mode

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
ZONE = ZoneInfo("America/Denver")
STEPS = "A short page.\n\n" + "\n".join(f"{n}. Do part {n} of {{title}}, slowly." for n in range(1, 8))

CONVERSATIONS = {
    "a failed midterm": [
        "i failed the midterm. i'm so stupid",
        "i studied for two weeks and still got a 48",
        "my parents are going to be so disappointed",
        "they pay for everything and i waste it",
        "yeah",
        "i haven't told them",
        "idk. maybe my sister",
        "i can't sleep since the grade came out",
        "what should i do",
        "next",
        "that helped a bit actually",
        "i still feel like everyone else is smarter",
    ],
    "loneliness": [
        "i have no friends here",
        "my roommates went out without me again",
        "i heard them laughing in the hallway",
        "i just stayed in my room",
        "every weekend is like that",
        "at home i had a big group",
        "i don't know how to talk to people here",
        "everyone already has their people",
        "i feel invisible",
        "sometimes i eat in my room so nobody sees me alone",
        "just listen please",
        "it's so quiet here at night",
    ],
    "a breakup": [
        "my girlfriend broke up with me last night",
        "two years. she said she needs space",
        "i keep checking her instagram",
        "i can't focus on anything",
        "we have the same classes",
        "everyone will know",
        "i feel like i wasn't enough",
        "i miss her so much",
        "i cried in the bathroom between classes",
        "my friends say move on",
        "i don't want to move on",
        "ok maybe something small",
    ],
    "sleep and money": [
        "can't sleep again",
        "it's been like this for two weeks",
        "my head won't shut up",
        "rent is due and i can't pay",
        "i work 25 hours a week",
        "my manager keeps adding shifts",
        "i can't say no",
        "i'm exhausted",
        "nobody knows how bad it is",
        "my mom thinks i'm doing great",
        "i'm scared of losing my scholarship",
        "i don't know",
    ],
    "family": [
        "my dad says i'm wasting his money",
        "he yells on the phone every sunday",
        "he wants me to be a doctor",
        "i hate biology",
        "i want to switch to art history",
        "he'd never forgive me",
        "my mom just stays quiet",
        "i feel guilty all the time",
        "they sacrificed everything",
        "i don't know what to do",
        "my brother is the good one",
        "i'm so tired of it",
    ],
    "grief": [
        "my grandmother died on tuesday",
        "she raised me",
        "the funeral is friday and i have an exam",
        "i can't cry, i feel nothing",
        "everybody says she had a long life",
        "we used to cook together on sundays",
        "i should have called her more",
        "i miss her voice",
        "my professor said no to moving the exam",
        "i'm so angry at him",
        "it's so unfair",
        "i keep thinking about her kitchen",
    ],
    "an anxious week": [
        "i'm so anxious about tomorrow i feel sick",
        "i have to present in front of everyone",
        "last time my voice shook and someone laughed",
        "i keep thinking what if i freeze",
        "yes",
        "my hands shake just writing this",
        "my roommate says i'm overreacting",
        "i want to skip class",
        "i skipped last week too",
        "now i'm behind",
        "i feel like such a coward",
        "ok i'll go",
    ],
    "far from home": [
        "i miss home so much it hurts",
        "it's only october",
        "people laugh at my accent so i stopped talking in class",
        "in my country i was the funny one",
        "here i am nobody",
        "my mother calls every day and i say everything is fine",
        "i lie to her",
        "the food is bad and the sun goes down at five",
        "i thought it would be an adventure",
        "there is one girl from my country in my dorm",
        "i'm too shy",
        "maybe tomorrow",
    ],
}


@dataclass
class Talk:
    """One conversation with the responder."""

    reader: Reader
    encoder: OnnxEmbedder
    name: str
    tasks: tuple[OpenTask, ...] = ()
    history: list[PastMessage] = field(default_factory=list)
    calls: list[list[Call]] = field(default_factory=list)

    def say(self, text: str) -> str:
        """Say something; returns the reply as the student reads it."""
        reading = self.reader.read(text, self.encoder.encode([text])[0])
        routing = route(reading, Mode.ORDINARY)
        situation = Situation(
            seed=str(uuid5(NAMESPACE_DNS, f"{self.name} {len(self.history)}")),
            reading=reading,
            route=routing.route,
            sure=routing.sure,
            mode=Mode.ORDINARY,
            name="Maya",
            now=NOW,
            zone=ZONE,
            history=tuple(self.history[-24:]),
            tasks=self.tasks,
        )
        responder = Responder(self.reader, Phrasebook.load())
        step = responder.step(situation, ())
        self.calls.append(list(step.calls))
        if step.calls:
            step = responder.step(situation, tuple(Result(call.tool, found(call)) for call in step.calls))
        reply = "".join(step.pieces).strip()
        self.history += [PastMessage("student", text, NOW), PastMessage("companion", reply, NOW)]
        return reply


def found(call: Call) -> dict[str, Any]:
    """What a tool would have found."""
    match call.tool:
        case "find_content":
            title = str(call.arguments["query"]).title()
            page = {"marker": "[1]", "title": title, "section": "Try this now", "text": STEPS.format(title=title)}
            return {"passages": [page]}
        case "log_mood":
            return {"logged": {"score": call.arguments["score"], "at": NOW.isoformat()}, "earlier": None}
        case "create_task":
            return {"task": {"title": call.arguments["title"], "due": call.arguments.get("due"), "course": None}}
        case "lines":
            return {"lines": []}
        case _:
            return {"tasks": [], "days": 7, "plan": None, "entries": [], "trend": {"n": 0}}
