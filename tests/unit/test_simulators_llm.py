"""The simulated model server over a real socket: its protocol as clients see it, its script, its faults."""

import json
import math
import time
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage, ToolMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

from simulators.run import Running, serve_in_process

DUE = {
    "type": "function",
    "function": {
        "name": "due_work",
        "description": "What is due.",
        "parameters": {
            "type": "object",
            "properties": {"days": {"type": "integer", "minimum": 1}, "course": {"type": "string"}},
            "required": ["days"],
        },
    },
}
CALL_DUE = {
    "user": r"due in (?P<days>\d+)",
    "after_tool": False,
    "calls": [{"name": "due_work", "arguments": {"days": "$days"}}],
}
SENTENCES = "First sentence here. Second sentence here. Third sentence here."


@pytest.fixture(scope="module")
def process() -> Iterator[Running]:
    with serve_in_process("simulators.llm") as running:
        yield running


@pytest.fixture
def llm(process: Running) -> Running:
    process.control.reset()
    return process


def chat(llm: Running, text: str = "hello", **changes: Any) -> httpx.Response:
    body = {"model": "m", "messages": [{"role": "user", "content": text}], **changes}
    return httpx.post(f"{llm.base_url}/v1/chat/completions", json=body, timeout=20)


def said(response: httpx.Response) -> str:
    content: str = response.json()["choices"][0]["message"]["content"]
    return content


def model(llm: Running, **changes: Any) -> ChatOpenAI:
    settings: dict[str, Any] = {"timeout": 20, "max_retries": 0} | changes
    return ChatOpenAI(model="simulated", base_url=f"{llm.base_url}/v1", api_key="unused", **settings)


def streamed(llm: Running, text: str, **changes: Any) -> list[dict[str, Any]]:
    lines = chat(llm, text, stream=True, **changes).text.split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]


def likeness(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


class TestProtocol:
    def test_a_whole_reply_has_text_and_usage(self, llm: Running) -> None:
        llm.control.behave(rules=[{"text": "Two words."}])
        completion = chat(llm, "one two three").json()
        assert completion["object"] == "chat.completion"
        assert completion["choices"][0]["message"] == {"role": "assistant", "content": "Two words."}
        assert completion["choices"][0]["finish_reason"] == "stop"
        assert completion["usage"] == {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}

    def test_a_streamed_reply_is_the_same_text(self, llm: Running) -> None:
        text = "  A café, 3 a.m. — “really”?\n\nYes 🙂 "
        llm.control.behave(rules=[{"text": text}])
        chunks = streamed(llm, "hi", stream_options={"include_usage": True})
        assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
        assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks[:-1]) == text
        assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:-1]][-2:] == [None, "stop"]
        assert chunks[-1]["choices"] == []
        assert chunks[-1]["usage"]["completion_tokens"] == len(chunks) - 3

    def test_usage_is_streamed_only_when_asked_for(self, llm: Running) -> None:
        assert all("usage" not in chunk for chunk in streamed(llm, "hi"))

    @pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens"])
    def test_the_reply_ends_at_the_limit(self, llm: Running, limit: str) -> None:
        choice = chat(llm, "hi", **{limit: 2}).json()["choices"][0]
        assert (choice["message"]["content"], choice["finish_reason"]) == ("Hello.", "length")

    def test_lists_its_model_and_demands_its_key(self, llm: Running) -> None:
        llm.control.behave(api_key="sk-right")
        refused = httpx.get(f"{llm.base_url}/v1/models", headers={"Authorization": "Bearer sk-wrong"})
        assert refused.status_code == 401
        client = openai.OpenAI(base_url=f"{llm.base_url}/v1", api_key="sk-right")
        assert [model.id for model in client.models.list()] == ["simulated"]
        with pytest.raises(openai.AuthenticationError):
            model(llm).invoke("hi")

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"model": "m"}', b'{"model": "m", "messages": []}'])
    def test_a_bad_request_is_a_protocol_error(self, llm: Running, body: bytes) -> None:
        answer = httpx.post(f"{llm.base_url}/v1/chat/completions", content=body)
        assert answer.status_code == 400
        assert answer.json()["error"]["type"] == "invalid_request_error"


class TestClients:
    """LangChain's client, which the service uses, understands every answer."""

    async def test_streams_text(self, llm: Running) -> None:
        llm.control.behave(rules=[{"text": SENTENCES}])
        chunks = [chunk async for chunk in model(llm, stream_usage=True).astream("hi")]
        assert "".join(chunk.text for chunk in chunks) == SENTENCES
        assert len(chunks) > 9

    async def test_streams_a_tool_call_and_reads_its_result(self, llm: Running) -> None:
        llm.control.behave(rules=[CALL_DUE, {"after_tool": True, "text": "You have $tool_result."}])
        bound = model(llm).bind_tools([DUE])
        whole: AIMessageChunk | None = None
        async for chunk in bound.astream("what is due in 7 days"):
            assert isinstance(chunk, AIMessageChunk)
            whole = chunk if whole is None else whole + chunk
        assert whole is not None
        assert [(call["name"], call["args"]) for call in whole.tool_calls] == [("due_work", {"days": "7"})]
        result = ToolMessage("an essay", tool_call_id=whole.tool_calls[0]["id"])
        answer = await bound.ainvoke(
            [HumanMessage("what is due in 7 days"), AIMessage("", tool_calls=whole.tool_calls), result]
        )
        assert answer.text == "You have an essay."
        assert not answer.tool_calls

    def test_a_demanded_tool_is_called_with_the_least_it_accepts(self, llm: Running) -> None:
        answer = model(llm).bind_tools([DUE], tool_choice="due_work").invoke("hi")
        assert [(call["name"], call["args"]) for call in answer.tool_calls] == [("due_work", {"days": 1})]

    def test_no_tool_is_called_that_was_not_offered(self, llm: Running) -> None:
        llm.control.behave(rules=[CALL_DUE, {"text": "No tools here."}])
        assert model(llm).invoke("due in 3").text == "No tools here."
        assert said(chat(llm, "due in 3", tools=[DUE], tool_choice="none")) == "No tools here."

    def test_embeds_alike_what_is_alike(self, llm: Running) -> None:
        embeddings = OpenAIEmbeddings(
            model="e", base_url=f"{llm.base_url}/v1", api_key="unused", check_embedding_ctx_length=False
        )
        exam, again, worry, garden = embeddings.embed_documents(
            ["I fear the exam", "I fear the exam", "the exam frightens me", "tulips bloom in May"]
        )
        assert exam == again
        assert math.isclose(sum(value * value for value in exam), 1.0, abs_tol=1e-5)
        assert likeness(exam, worry) > likeness(exam, garden)

    def test_embeddings_come_in_the_size_that_is_asked_for(self, llm: Running) -> None:
        client = openai.OpenAI(base_url=f"{llm.base_url}/v1", api_key="unused")
        for encoding in ("float", "base64"):
            made = client.embeddings.create(model="e", input=["hi"], dimensions=64, encoding_format=encoding)
            assert len(made.data) == 1
        assert len(client.embeddings.create(model="e", input="hi", dimensions=64).data[0].embedding) == 64
        assert len(client.embeddings.create(model="e", input=[[1, 2], [3]]).data) == 2


class TestScript:
    def test_the_first_rule_that_matches_replies(self, llm: Running) -> None:
        llm.control.behave(
            rules=[
                {"user": "exam", "system": "coach", "text": "coach"},
                {"user": "about (?P<what>\\w+)", "text": "So, $what; you said: $user"},
                {"text": "else"},
            ]
        )
        assert said(chat(llm, "the EXAM")) == "else"
        assert said(chat(llm, "it is about maths")) == "So, maths; you said: it is about maths"
        answer = model(llm).invoke([SystemMessage("You are a coach."), HumanMessage("the EXAM")])
        assert answer.text == "coach"

    def test_a_rule_replies_as_often_as_it_may(self, llm: Running) -> None:
        llm.control.behave(rules=[{"text": "once", "times": 1}, {"text": "then"}])
        assert [said(chat(llm)) for _ in range(3)] == ["once", "then", "then"]

    def test_a_rule_may_look_at_what_tools_returned(self, llm: Running) -> None:
        llm.control.behave(rules=[{"tool_result": "refused", "text": "It was refused."}, {"text": "else"}])
        messages = [
            {"role": "user", "content": "go"},
            {
                "role": "assistant",
                "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "1", "content": "Refused: not yours"},
        ]
        assert said(chat(llm, messages=messages)) == "It was refused."
        assert said(chat(llm, messages=[*messages, {"role": "user", "content": "and now?"}])) == "else"

    def test_the_log_tells_what_reached_the_model(self, llm: Running) -> None:
        chat(llm, "a secret")
        chat(llm, "hello", stream=True)
        first, second = llm.control.requests()
        assert first["body"]["messages"][0]["content"] == "a secret"
        assert [entry["outcome"] for entry in (first, second)] == ["completed", "completed"]
        assert second["detail"]["answer"]["text"].startswith("Hello")
        llm.control.reset()
        assert llm.control.requests() == []

    def test_latency_is_fixed_and_does_not_add_up_work(self, llm: Running) -> None:
        llm.control.behave(rules=[{"text": "one two three four"}], first_token_ms=60, per_token_ms=20)
        assert chat(llm).elapsed.total_seconds() >= 0.06 + 4 * 0.02
        with httpx.stream(
            "POST",
            f"{llm.base_url}/v1/chat/completions",
            json={"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True},
        ) as response:
            writes = list(response.iter_raw())
        assert len(writes) >= 4


class TestFaults:
    """Each fault, as it looks to the client of the service."""

    def fail(self, llm: Running, kind: str, **parameters: Any) -> None:
        llm.control.behave(rules=[{"text": SENTENCES}])
        llm.control.set_faults({"kind": kind, **parameters})

    @pytest.mark.parametrize("status", [500, 503])
    def test_server_error(self, llm: Running, status: int) -> None:
        self.fail(llm, "server_error", status=status)
        with pytest.raises(openai.InternalServerError):
            model(llm).invoke("hi")
        assert model(llm).invoke("hi").text == SENTENCES  # Used once, it is over.

    def test_a_fault_lasts_until_it_is_cleared(self, llm: Running) -> None:
        self.fail(llm, "server_error", times=None)
        assert [chat(llm).status_code for _ in range(3)] == [500] * 3
        llm.control.set_faults()
        assert chat(llm).status_code == 200

    def test_rate_limit(self, llm: Running) -> None:
        self.fail(llm, "rate_limit", retry_after=7)
        with pytest.raises(openai.RateLimitError) as error:
            model(llm).invoke("hi")
        assert error.value.response.headers["retry-after"] == "7"

    def test_hang(self, llm: Running) -> None:
        self.fail(llm, "hang", times=2)
        with pytest.raises(openai.APITimeoutError):
            model(llm, timeout=0.3).invoke("hi")
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(
                f"{llm.base_url}/v1/chat/completions",
                json={"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]},
                timeout=httpx.Timeout(5, read=0.3),
            )

    def test_hang_in_the_middle(self, llm: Running) -> None:
        self.fail(llm, "hang", after_tokens=4)
        heard = []
        with pytest.raises(openai.APITimeoutError):
            for chunk in model(llm, timeout=0.3).stream("hi"):
                heard.append(chunk.text)
        assert "".join(heard) == "First sentence here."

    def test_wrong_content_type(self, llm: Running) -> None:
        self.fail(llm, "wrong_content_type")
        answer = chat(llm)
        assert answer.headers["content-type"].startswith("text/html")
        assert answer.status_code == 200

    def test_truncated_stream(self, llm: Running) -> None:
        self.fail(llm, "truncated_stream", after_tokens=6)
        body = chat(llm, "hi", stream=True).text
        assert "[DONE]" not in body
        assert '"stop"' not in body
        assert body.count('"content"') == 7  # The opening and six tokens.
        self.fail(llm, "truncated_stream")
        with pytest.raises(json.JSONDecodeError):
            chat(llm).json()

    def test_garbled_stream(self, llm: Running) -> None:
        self.fail(llm, "garbled_stream")
        with pytest.raises(json.JSONDecodeError):  # Not an error of the client's own family.
            list(model(llm).stream("hi"))

    def test_a_truncated_stream_looks_complete_to_the_client_but_gives_no_reason_to_end(self, llm: Running) -> None:
        self.fail(llm, "truncated_stream", after_tokens=6)
        chunks = list(model(llm).stream("hi"))
        assert "".join(chunk.text for chunk in chunks) == "First sentence here. Second sentence"
        assert not any("finish_reason" in chunk.response_metadata for chunk in chunks)
        assert any("finish_reason" in chunk.response_metadata for chunk in model(llm).stream("hi"))

    def test_disconnect(self, llm: Running) -> None:
        for streaming in (True, False):
            self.fail(llm, "disconnect")
            with pytest.raises(httpx.RemoteProtocolError):
                chat(llm, "hi", stream=streaming)
        assert [entry["outcome"] for entry in llm.control.requests()] == ["fault: disconnect"] * 2

    def test_slow_tokens(self, llm: Running) -> None:
        self.fail(llm, "slow_tokens", per_token_ms=5_000)
        with pytest.raises(openai.APITimeoutError):
            model(llm, timeout=0.3).invoke("hi")

    def test_empty_reply(self, llm: Running) -> None:
        self.fail(llm, "empty_reply", times=2)
        assert model(llm).invoke("hi").text == ""
        assert "".join(chunk.text for chunk in model(llm).stream("hi")) == ""

    def test_malformed_tool_json(self, llm: Running) -> None:
        self.fail(llm, "malformed_tool_json", times=2)
        bound = model(llm).bind_tools([DUE])
        answer = bound.invoke("hi")
        assert answer.tool_calls == []
        assert [call["name"] for call in answer.invalid_tool_calls] == ["due_work"]
        arguments = chat(llm, "hi", tools=[DUE]).json()["choices"][0]["message"]["tool_calls"][0]["function"][
            "arguments"
        ]
        with pytest.raises(json.JSONDecodeError):
            json.loads(arguments)

    def test_malformed_tool_json_is_mended_by_the_client_when_it_is_streamed(self, llm: Running) -> None:
        # LangChain completes half a JSON object: whoever trusts `tool_calls` of a stream calls a tool with a guess.
        self.fail(llm, "malformed_tool_json")
        whole: AIMessageChunk | None = None
        for chunk in model(llm).bind_tools([DUE]).stream("hi"):
            assert isinstance(chunk, AIMessageChunk)
            whole = chunk if whole is None else whole + chunk
        assert whole is not None
        assert [call["args"] for call in whole.tool_calls] == [{"days": 1, "note": "unfin"}]
        with pytest.raises(json.JSONDecodeError):
            json.loads(whole.tool_call_chunks[0]["args"] or "")

    def test_endless_tool_loop(self, llm: Running) -> None:
        self.fail(llm, "endless_tool_loop", times=None)
        messages: list[Any] = [HumanMessage("hi")]
        seen = set()
        for _ in range(5):
            answer = model(llm).bind_tools([DUE]).invoke(messages)
            seen.add(answer.tool_calls[0]["id"])
            messages += [answer, ToolMessage("nothing", tool_call_id=answer.tool_calls[0]["id"])]
        assert len(seen) == 5

    def test_unsafe_sentence(self, llm: Running) -> None:
        self.fail(llm, "unsafe_sentence", sentence="You surely have a disorder.")
        expected = "First sentence here. You surely have a disorder. Second sentence here. Third sentence here."
        assert model(llm).invoke("hi").text == expected

    def test_a_client_that_leaves_is_seen(self, llm: Running) -> None:
        llm.control.behave(rules=[{"text": SENTENCES}], per_token_ms=200)
        request = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
        with httpx.stream("POST", f"{llm.base_url}/v1/chat/completions", json=request) as response:
            next(response.iter_raw())
        deadline = time.monotonic() + 10
        while (outcome := llm.control.requests()[0]["outcome"]) == "open" and time.monotonic() < deadline:
            pass
        assert outcome == "client left"

    def test_other_endpoints_have_faults_of_their_own(self, llm: Running) -> None:
        llm.control.set_faults({"kind": "server_error", "target": "embeddings"})
        assert chat(llm).status_code == 200
        embeddings = {"model": "e", "input": "hi"}
        assert httpx.post(f"{llm.base_url}/v1/embeddings", json=embeddings).status_code == 500
        assert httpx.post(f"{llm.base_url}/v1/embeddings", json=embeddings).status_code == 200
