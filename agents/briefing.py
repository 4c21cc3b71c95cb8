"""The messages a language model gets for one turn, under a fixed token budget."""

from __future__ import annotations

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from agents.budget import tokens
from agents.dialogue.speech import day_name, due_words
from agents.memory import Recalled
from agents.prompts import prompt
from agents.services import TurnContext
from agents.state import PastMessage, ScreenedTurn
from safety.disclosure import Gate

HISTORY_TOKENS = 1500
MESSAGE_TOKENS = 6000
"""A longer message is cut for the model; screening has read all of it."""
SUMMARY_TOKENS = 400


def brief(turn: ScreenedTurn, recalled: Recalled, context: TurnContext, role: str) -> list[BaseMessage]:
    """System prompt, what is known with its age, the recent window, the message."""
    system = "\n\n".join((prompt("voice").text, prompt(role).text, _known(turn, recalled, context)))
    return [SystemMessage(system), *_window(turn.history), HumanMessage(_cut(turn.text, MESSAGE_TOKENS))]


def versions(role: str) -> dict[str, str]:
    """Versions of the prompts of a turn."""
    return {f"prompt.{name}": prompt(name).version for name in ("voice", role)}


def _known(turn: ScreenedTurn, recalled: Recalled, context: TurnContext) -> str:
    now, zone = recalled.as_of, context.zone
    lines = [f"It is {now.astimezone(zone):%A %Y-%m-%d %H:%M} for the student."]
    if turn.name:
        lines.append(f"The student's name is {turn.name}.")
    if recalled.chosen.said:
        lines.append(recalled.chosen.said)
    if recalled.moods:
        moods = ", ".join(f"{entry.score} {day_name(entry.logged_at, now, zone)}" for entry in recalled.moods[:5])
        lines.append(f"Mood log, newest first: {moods}.")
    if recalled.tasks:
        tasks = "; ".join(
            task.title + (f" (due {due_words(task.due_at, now, zone)})" if task.due_at else "")
            for task in recalled.tasks
        )
        lines.append(f"Open tasks: {tasks}.")
    if recalled.work:
        work = "; ".join(
            item.title
            + (f" in {item.course}" if item.course else "")
            + (f" (due {due_words(item.due, now, zone)})" if item.due else "")
            for item in recalled.work
        )
        lines.append(f"Due in Canvas: {work}. {recalled.canvas}")
    if not recalled.complete:
        lines.append("The student's data cannot be read at the moment.")
    if not context.law.allows(Gate.GUIDED_THERAPY_EXERCISES):
        lines.append("The law here wants no AI that leads an exercise: name the page and let the student read it.")
    if turn.summary:
        lines.append(f"Earlier in this conversation: {_cut(turn.summary, SUMMARY_TOKENS)}")
    return "\n".join(lines)


def _window(history: tuple[PastMessage, ...]) -> list[BaseMessage]:
    """The newest messages that fit, oldest first."""
    kept: list[BaseMessage] = []
    left = HISTORY_TOKENS
    for message in reversed(history):
        left -= tokens(message.text)
        if left < 0:
            break
        kept.append(HumanMessage(message.text) if message.author == "student" else AIMessage(message.text))
    return kept[::-1]


def _cut(text: str, most: int) -> str:
    if tokens(text) <= most:
        return text
    # A token is at least one character, so this many characters always fit.
    return text[:most] + " …"
