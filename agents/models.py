"""The language model behind the agents: any OpenAI-compatible endpoint, its faults, and the breaker that spares it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, cast

import httpx
import openai
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_openai import ChatOpenAI
from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.model import OpenedState
from pydantic import SecretStr

from agents.state import PassedMessage, ScreenedTurn, require_passed, require_screened
from core.errors import CompanionError, ConfigurationError
from core.settings import Settings

EMBEDDED = "embedded"
DEFAULT_BASE_URL = "https://api.openai.com/v1"
FAILURES_BEFORE_OPEN = 3
OPEN_SECONDS = 30.0
MAX_REPLY_TOKENS = 700
ToolSchema = dict[str, Any]


class ModelFault(CompanionError):
    """The language model could not answer this turn."""

    code = "model_fault"

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)
        self.reason = reason


class LanguageModel:
    """A chat model at an endpoint, streamed under a deadline and a circuit breaker.

    After three transport failures in a row the endpoint is left alone for half a minute, so a dead server costs the
    following turns nothing. What a model says wrongly (an empty reply, broken tool arguments) does not count there.
    """

    def __init__(self, chat: BaseChatModel, name: str, timeout_seconds: float) -> None:
        self.name = name
        self._chat = chat
        self._timeout = timeout_seconds
        self._breakers = AsyncCircuitBreakerFactory(
            FAILURES_BEFORE_OPEN, OPEN_SECONDS, exclude=[asyncio.CancelledError, GeneratorExit]
        )

    @classmethod
    def from_settings(cls, settings: Settings) -> LanguageModel | None:
        """Return the model that the settings name, None for `embedded`; raises `ConfigurationError`."""
        if settings.model == EMBEDDED:
            return None
        kind, _, name = settings.model.partition(":")
        if kind != "openai" or not name:
            raise ConfigurationError(f"Unknown model {settings.model!r}: use embedded or openai:<name>.")
        timeout = settings.model_timeout_seconds
        chat = ChatOpenAI(
            model=name,
            base_url=settings.model_base_url or DEFAULT_BASE_URL,
            # Local servers want no key, the client insists on one.
            api_key=SecretStr(settings.model_api_key.get_secret_value() or "none"),
            timeout=httpx.Timeout(timeout, connect=min(timeout, 5.0)),
            stream_chunk_timeout=timeout,
            max_retries=0,
            max_completion_tokens=MAX_REPLY_TOKENS,
            stream_usage=False,
            use_responses_api=False,
        )
        return cls(chat, settings.model, timeout)

    async def stream(
        self, turn: ScreenedTurn, messages: Sequence[BaseMessage], tools: Sequence[ToolSchema]
    ) -> AsyncIterator[AIMessageChunk]:
        """Stream one reply to a turn; `timeout_seconds` bounds the wait for each chunk, the first included.

        Nothing leaves for what is no screened turn: `TypeError`. Raises `ModelFault` when the endpoint is dead, slow, limiting or incomprehensible.
        """
        require_screened(turn)
        async for chunk in self._stream(messages, tools):
            yield chunk

    async def opine(self, message: PassedMessage, messages: Sequence[BaseMessage]) -> AsyncIterator[AIMessageChunk]:
        """Stream an opinion on a message that is answered already; deadlines and faults are those of `stream`.

        Nothing leaves for what screening did not let pass: `TypeError`.
        """
        require_passed(message)
        async for chunk in self._stream(messages, ()):
            yield chunk

    async def _stream(
        self, messages: Sequence[BaseMessage], tools: Sequence[ToolSchema]
    ) -> AsyncIterator[AIMessageChunk]:
        breaker = await self._breakers.get_breaker(self.name)
        try:
            async with breaker:
                options: dict[str, Any] = {"tools": list(tools)} if tools else {}
                chunks = self._chat.astream(list(messages), **options)
                async for chunk in _in_time(chunks, self._timeout):
                    yield chunk
        except OpenedState as error:
            raise ModelFault("spared") from error
        except TimeoutError as error:
            raise ModelFault("timeout") from error
        except openai.APITimeoutError as error:
            raise ModelFault("timeout") from error
        except openai.RateLimitError as error:
            raise ModelFault("rate_limited") from error
        except (openai.OpenAIError, httpx.HTTPError) as error:
            raise ModelFault("endpoint") from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            # What the client raises when a server answers with something that is not a chat completion.
            raise ModelFault("incomprehensible") from error


async def _in_time(chunks: AsyncIterator[AIMessageChunk], seconds: float) -> AsyncIterator[AIMessageChunk]:
    async with aclosing(cast("Any", chunks)):
        while True:
            async with asyncio.timeout(seconds):
                try:
                    chunk = await anext(chunks)
                except StopAsyncIteration:
                    return
            yield chunk
