"""Answers one turn with the model that is there, and with the embedded responder when it is not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from langchain_core.messages import AIMessageChunk, BaseMessage, HumanMessage

from agents.briefing import brief, versions
from agents.dialogue.adapter import DialogueModel
from agents.dialogue.situation import DueWork, LastMood, OpenTask, Situation
from agents.loop import converse
from agents.memory import Recalled
from agents.models import EMBEDDED, ModelFault, ToolSchema
from agents.services import TurnContext
from agents.state import ScreenedTurn, TurnOutcome, require_screened
from agents.toolbox import ALL_TOOLS
from agents.toolkit import Toolbox
from agents.turn import ModelTurn
from core.logs import get_logger

log = get_logger("agents.answer")


async def answer(given: ModelTurn, context: TurnContext, role: str, toolbox: Toolbox) -> TurnOutcome:
    """Say the reply through the gate; returns what answered.

    `role` names the prompt, `toolbox` what a language model may use. The embedded responder may use every tool: its
    calls follow from its plan, not from a text.
    """
    model = context.services.model
    if model is not None:
        try:
            briefing = brief(given.turn, given.recalled, context, role)
            await converse(model, given.turn, briefing, toolbox, context)
            return TurnOutcome(given.routing.route, model.name, versions(role))
        except ModelFault as fault:
            log.warning("model_left_aside", turn=str(context.turn_id), model=model.name, state=fault.reason)
            context.gate.drop()
    speaker = _Embedded(DialogueModel(responder=context.services.responder, situation=_situation(given, context)))
    await converse(speaker, given.turn, [HumanMessage(given.turn.text)], ALL_TOOLS, context)
    return TurnOutcome(given.routing.route, EMBEDDED, {"dialogue": context.services.responder.version})


class _Embedded:
    """The dialogue model as a speaker; it decides for itself which tools it needs."""

    def __init__(self, chat: DialogueModel) -> None:
        self._chat = chat

    def stream(
        self, turn: ScreenedTurn, messages: Sequence[BaseMessage], tools: Sequence[ToolSchema]
    ) -> AsyncIterator[AIMessageChunk]:
        """Stream the reply; `tools` are all offered."""
        require_screened(turn)
        return self._chat.astream(list(messages))


def _situation(given: ModelTurn, context: TurnContext) -> Situation:
    turn, recalled = given.turn, given.recalled
    return Situation(
        seed=str(turn.turn_id),
        reading=given.reading,
        route=given.routing.route,
        sure=given.routing.sure,
        mode=turn.mode,
        name=turn.name,
        now=recalled.as_of,
        zone=context.zone,
        history=turn.history,
        tasks=tuple(OpenTask(task.id, task.title, task.due_at) for task in recalled.tasks),
        work=tuple(DueWork(item.title, item.due) for item in recalled.work),
        mood=_last_mood(recalled),
        already_said=tuple(context.gate.said),
    )


def _last_mood(recalled: Recalled) -> LastMood | None:
    return LastMood(recalled.moods[0].score, recalled.moods[0].logged_at) if recalled.moods else None
