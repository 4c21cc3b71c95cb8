"""LangChain's OpenAI client against a server that is not ours. See `tiny_lm/README.md` for how to start it."""

import json
import os

import openai
import pytest
from langchain_core.messages import AIMessageChunk, HumanMessage, SystemMessage, ToolMessage
from langchain_openai import ChatOpenAI

URL = os.environ.get("TINY_LM_URL")
pytestmark = pytest.mark.skipif(URL is None, reason="TINY_LM_URL names no server")

DUE = {
    "type": "function",
    "function": {
        "name": "due_work",
        "description": "What is due.",
        "parameters": {"type": "object", "properties": {"days": {"type": "integer"}}, "required": ["days"]},
    },
}
SYSTEM = SystemMessage("You are a companion for students.")


@pytest.fixture
def model() -> ChatOpenAI:
    # The server closes the connection after each 500, and the client may find that out by using it again.
    return ChatOpenAI(model="./model", base_url=URL, api_key="unused", max_retries=1, timeout=60)


def heard(model: ChatOpenAI, text: str) -> AIMessageChunk:
    whole: AIMessageChunk | None = None
    for chunk in model.bind_tools([DUE]).stream([SYSTEM, HumanMessage(text)]):
        assert isinstance(chunk, AIMessageChunk)
        whole = chunk if whole is None else whole + chunk
    assert whole is not None
    return whole


def test_replies_whole_and_streamed(model: ChatOpenAI) -> None:
    expected = "Lying awake makes a night long. What is going round in your head?"
    assert model.invoke([SYSTEM, HumanMessage("I can't sleep")]).text == expected
    assert heard(model, "I can't sleep").text == expected


def test_calls_a_tool_and_reads_its_result(model: ChatOpenAI) -> None:
    asked = heard(model, "What is due this week?")
    assert [(call["name"], call["args"]) for call in asked.tool_calls] == [("due_work", {"days": 7})]
    result = ToolMessage("essay", tool_call_id=asked.tool_calls[0]["id"])
    answer = model.bind_tools([DUE]).invoke([SYSTEM, HumanMessage("What is due this week?"), asked, result])
    assert answer.text == "That is what is due this week. Which one feels heaviest?"


def test_malformed_tool_json_is_an_error_whole_and_streamed(model: ChatOpenAI) -> None:
    with pytest.raises(openai.InternalServerError):
        model.bind_tools([DUE]).invoke("break the tool call")
    with pytest.raises(json.JSONDecodeError):
        heard(model, "break the tool call")


def test_an_unfinished_tool_call_is_streamed_as_an_empty_reply(model: ChatOpenAI) -> None:
    answer = heard(model, "never close the tool call")
    assert (answer.text, answer.tool_calls, answer.invalid_tool_calls) == ("", [], [])


def test_unoffered_tools_and_wrong_arguments_are_passed_on(model: ChatOpenAI) -> None:
    assert [call["name"] for call in heard(model, "call a tool nobody has").tool_calls] == ["delete_everything"]
    assert [call["args"] for call in heard(model, "give the tool wrong arguments").tool_calls] == [{"days": "soon"}]
