"""Which kind of a request a message is: how many days, which exercise, what about the companion, what is declined."""

from __future__ import annotations

import re

from agents.dialogue.moves import BREATHING, GROUNDING


def days_meant(text: str, usual: int) -> int:
    """How many days a question about dates or moods spans; `usual` when it names none."""
    low = text.lower()
    spans = (
        ("today", 1),
        ("tonight", 1),
        ("tomorrow", 2),
        ("two weeks", 14),
        ("2 weeks", 14),
        ("month", 30),
        ("week", 7),
    )
    return next((days for word, days in spans if word in low), usual)


def exercise_meant(text: str) -> str:
    """The page of the exercise that was asked for."""
    if re.search(r"ground|5|senses|sight", text.lower()):
        return GROUNDING
    return BREATHING


def grades_meant(text: str) -> str:
    """The tool that a question about grades is for: what is missing, or how the courses stand."""
    return "missing_work" if re.search(r"missing|not (?:handed|turned) in|\bowe\b", text.lower()) else "grades"


def about_what(text: str) -> str:
    """What a question about the companion asks, as the end of an act's name."""
    low = text.lower()
    kinds = (
        ("secret", r"secret|don'?t tell|between us"),
        ("privacy", r"private|privacy|read|see|confidential|anonymous|share|store|save|record|tell (?:my|anyone|the)"),
        ("love", r"love|like me|girlfriend|boyfriend|marry|miss me"),
        ("always", r"always|leave me"),
        ("therapist", r"therapist|psychologist|counsel"),
        ("feelings", r"feel|tired|bored|happy|sad|sleep"),
        ("memory", r"remember|forget|memory"),
        ("skills", r"can you do|what do you do|how do you work|help with|able to"),
        ("name", r"name|made you"),
    )
    return next((kind for kind, words in kinds if re.search(words, low)), "real")


def medical_kind(text: str) -> str:
    """`diagnosis`, `meds` or neither."""
    low = text.lower()
    if re.search(r"do i have|am i|diagnos|bipolar", low):
        return "diagnosis"
    if re.search(r"dose|mg|med|pill|antidepress|ssri|drug|melatonin|ibuprofen|prescri|alcohol", low):
        return "meds"
    return ""


def graded_kind(text: str) -> str:
    """`problem` for what has a solution, else `essay`."""
    problem = re.search(r"integral|calc|math|problem|equation|quiz|answer|code|question|solve", text.lower())
    return "problem" if problem else "essay"
