"""The second opinion of a configured language model on a message that screening let pass or only asked about.

It is asked after the message is committed and answered, by a job, and can only raise (`safety.opinion`). Off unless the
operator switches it on: then such messages go to the same endpoint as the companion's own turns, ambiguous ones included.
"""

from __future__ import annotations

import asyncio

import orjson
from langchain_core.messages import HumanMessage, SystemMessage

from agents.models import LanguageModel, ModelFault
from agents.prompts import prompt
from agents.state import PassedMessage
from core.errors import ConfigurationError
from core.settings import Settings
from safety.opinion import LONGEST, Opinion, read_opinion

PROMPT = "second_opinion"
BEFORE = 6
"""Earlier messages that are shown with the one that is judged."""
MOST_CHARACTERS = 12_000


class SecondOpinion:
    """Asks the model, with a deadline for the whole answer."""

    def __init__(self, model: LanguageModel, timeout_seconds: float) -> None:
        self._model, self._timeout = model, timeout_seconds

    @property
    def version(self) -> str:
        """Prompt and model, as they stand in the version of a verdict."""
        return f"opinion:{prompt(PROMPT).version}:{self._model.name}"

    async def ask(self, message: PassedMessage) -> Opinion:
        """Return what the model says of a message; raises `ModelFault` when there is no answer that can be read."""
        system = SystemMessage(prompt(PROMPT).text)
        try:
            async with asyncio.timeout(self._timeout):
                reply = await self._reply(message, [system, HumanMessage(_material(message))])
        except TimeoutError as error:
            raise ModelFault("timeout") from error
        try:
            return read_opinion(reply, message.text)
        except (ValueError, TypeError) as error:
            raise ModelFault("incomprehensible") from error

    async def _reply(self, message: PassedMessage, messages: list[SystemMessage | HumanMessage]) -> str:
        parts: list[str] = []
        async for chunk in self._model.opine(message, messages):
            parts.append(str(chunk.text))
            if sum(map(len, parts)) > LONGEST:
                raise ModelFault("incomprehensible")
        return "".join(parts)


def open_opinion(settings: Settings) -> SecondOpinion | None:
    """Return the second opinion, None where it is off; raises `ConfigurationError` when there is no model to ask."""
    if not settings.second_opinion:
        return None
    model = LanguageModel.from_settings(settings)
    if model is None:
        raise ConfigurationError(
            "COMPANION_SECOND_OPINION needs a language model: set COMPANION_MODEL to openai:<name>, or switch it off."
        )
    return SecondOpinion(model, settings.model_timeout_seconds)


def _material(message: PassedMessage) -> str:
    """The message and what was said before it, as data: JSON leaves no way to end the quotation."""
    before = [{"who": past.author, "text": past.text[:MOST_CHARACTERS]} for past in message.history[-BEFORE:]]
    return orjson.dumps({"message": message.text[:MOST_CHARACTERS], "before": before}).decode()
