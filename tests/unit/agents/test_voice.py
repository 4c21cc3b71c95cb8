"""How the companion speaks, checked over whole conversations and over every line that it may say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest
import textstat
from textstat.backend.counts import _count_syllables as syllables

from agents.dialogue.phrases import Phrase, Phrasebook, normal, read_data, sentences_of
from agents.dialogue.topics import Topics
from agents.dialogue.understand import Reader
from embedding.onnx import OnnxEmbedder
from safety.review import ReviewContext, review_sentence
from tests.unit.agents.students import CONVERSATIONS, Talk

BANNED = re.compile(
    r"\byou should\b|\byou must\b|\bat least\b|\beverything happens\b|\bunderstand exactly\b|\bI(?:'m| am) (?:glad|sorry|proud"
    r"|happy|here for you|with you|always)\b|\bI (?:want|feel|love|care|missed|hope|worry)\b|\bcalm down\b|\bjust\b(?! listen)"
    r"|\bI know how\b|\bsilver lining\b|\bmove on\b|\bcheer up\b|\bstay strong\b|\bhappy to\b|\bI promise\b",
    re.IGNORECASE,
)
STEP = re.compile(r"^(?:\d{1,2}\.|-) ")


def lines_of(reply: str) -> list[str]:
    """The sentences of a reply that are not steps or entries of a list."""
    return [sentence for sentence in sentences_of(reply) if not STEP.match(sentence)]


@pytest.fixture(scope="module", params=sorted(CONVERSATIONS))
def talked(request: pytest.FixtureRequest, reader: Reader, encoder: OnnxEmbedder) -> tuple[Talk, list[str]]:
    talk = Talk(reader, encoder, request.param)
    return talk, [talk.say(text) for text in CONVERSATIONS[request.param]]


Talked = tuple[Talk, list[str]]


class TestConversations:
    def test_no_sentence_is_said_twice(self, talked: Talked) -> None:
        said = [normal(sentence) for reply in talked[1] for sentence in sentences_of(reply)]
        assert [sentence for sentence in said if said.count(sentence) > 1] == []

    def test_no_two_replies_in_a_row_open_alike(self, talked: Talked) -> None:
        openings = [normal(reply).split()[0] for reply in talked[1]]
        assert [one for one, other in pairwise(openings) if one == other] == []

    def test_at_most_one_question_a_reply(self, talked: Talked) -> None:
        assert [reply for reply in talked[1] if sum(line.endswith("?") for line in lines_of(reply)) > 1] == []

    def test_questions_in_many_replies_but_not_in_all(self, talked: Talked) -> None:
        asking = sum("?" in reply for reply in talked[1])
        assert len(talked[1]) * 0.4 <= asking < len(talked[1])

    def test_the_first_reply_to_pain_is_company(self, talked: Talked) -> None:
        talk, replies = talked
        assert talk.calls[0] == []
        assert not re.search(r"\b(?:try|tip|exercise|breath|step|library|counsel)", replies[0], re.IGNORECASE)

    def test_two_to_five_short_sentences(self, talked: Talked) -> None:
        assert [reply for reply in talked[1] if len(lines_of(reply)) > 5] == []
        assert [line for reply in talked[1] for line in lines_of(reply) if len(line.split()) > 30] == []

    def test_twelve_replies_are_twelve_different_ones(self, talked: Talked) -> None:
        bags = [set(normal(reply).split()) for reply in talked[1]]
        alike = [
            len(one & other) / len(one | other)
            for at, one in enumerate(bags)
            for other in bags[at + 1 :]
            if one | other
        ]
        assert len(bags) >= 12
        assert max(alike) < 0.6

    def test_nothing_that_the_voice_forbids(self, talked: Talked) -> None:
        student = " ".join(message.text for message in talked[0].history if message.author == "student")
        own = [line for reply in talked[1] for line in lines_of(reply) if normal(line) not in normal(student)]
        assert [line for line in own if BANNED.search(line) and not BANNED.search(student)] == []

    def test_review_lets_every_sentence_pass(self, talked: Talked) -> None:
        said = [sentence for reply in talked[1] for sentence in sentences_of(reply)]
        assert [(s, v.rule) for s in said if not (v := review_sentence(s, ReviewContext())).ok] == []


class TestLines:
    """Every line of the data files, said or not."""

    @staticmethod
    def all_lines() -> Iterator[str]:
        for phrases in Phrasebook.load().acts.values():
            yield from (phrase.text for phrase in phrases)
        for topic in read_data("topics.yaml")["topics"].values():
            for act in ("open", "deeper", "coping", "step", "meaning"):
                yield from topic[act]
            for event in topic["events"]:
                yield from event["say"]
        for echo in read_data("echoes.yaml")["echoes"]:
            yield from echo["say"]

    def test_none_says_what_the_voice_forbids(self) -> None:
        assert [line for line in self.all_lines() if BANNED.search(line)] == []

    def test_no_exclamation_marks_and_no_emoji(self) -> None:
        assert [
            line for line in self.all_lines() if re.search(r"[!\U0001F300-\U0001FAFF]", re.sub(r"![cu]}", "}", line))
        ] == []

    def test_each_is_there_once(self) -> None:
        lines = [normal(line) for line in self.all_lines()]
        assert [line for line in lines if lines.count(line) > 1] == []

    def test_at_most_one_question_each(self) -> None:
        assert [line for line in self.all_lines() if line.count("?") > 1] == []

    def test_reading_grade_of_a_sixth_grader_or_less(self, monkeypatch: pytest.MonkeyPatch) -> None:
        text = " ".join(re.sub(r"\{[^}]*\}", "it", line) for line in self.all_lines())
        # textstat would fetch its pronouncing dictionary from the network; without it, it counts by hyphenation.
        monkeypatch.setattr(syllables, "get_cmudict", lambda _language: None)
        assert textstat.flesch_kincaid_grade(text) <= 6

    def test_review_lets_every_line_pass(self) -> None:
        failed = [
            (sentence, verdict.rule)
            for line in self.all_lines()
            for sentence in sentences_of(Phrase.of(line).fill(_Anything()))
            if not (verdict := review_sentence(sentence, ReviewContext())).ok
        ]
        assert failed == []

    def test_every_act_that_is_named_exists(self, reader: Reader) -> None:
        acts = Phrasebook.load().acts
        assert len(acts) > 100
        assert isinstance(reader.topics, Topics)


class _Anything(dict[str, str]):
    """Fills every slot with a harmless word."""

    def __missing__(self, key: str) -> str:
        return "it"
