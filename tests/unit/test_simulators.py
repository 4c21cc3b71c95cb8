"""The parts that all simulators share: processes, the control plane, signatures."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from simulators.control import CONTROL_HEADER, CONTROL_KEY_VARIABLE, ControlClient
from simulators.run import Running, serve_in_process
from simulators.serving import listen
from simulators.signing import Refusal, Signed, refusal, sign


@pytest.fixture(scope="module")
def llm() -> Iterator[Running]:
    with serve_in_process("simulators.llm") as running:
        yield running


def test_is_ready_when_the_context_opens_and_gone_when_it_closes() -> None:
    with serve_in_process("simulators.llm") as running:
        assert httpx.get(f"{running.base_url}/health").json() == {"status": "ok"}
    assert running.process.returncode == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{running.base_url}/health")


def test_stops_even_while_a_request_hangs() -> None:
    with serve_in_process("simulators.llm") as running:
        running.control.set_faults({"kind": "hang"})
        with pytest.raises(httpx.ReadTimeout):
            chat = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
            httpx.post(f"{running.base_url}/v1/chat/completions", json=chat, timeout=0.2)
    assert running.process.returncode == 0


def test_a_process_that_cannot_start_is_reported() -> None:
    with pytest.raises(RuntimeError, match="did not become ready"), serve_in_process("simulators.llm", "--nonsense"):
        pass


def test_ends_when_its_parent_is_killed() -> None:
    program = (
        "from simulators.run import serve_in_process\n"
        "with serve_in_process('simulators.llm') as running:\n"
        "    print(running.base_url, running.process.pid, flush=True)\n"
        "    input()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    base_url, child = parent.stdout.readline().split()
    with socket.create_connection(("127.0.0.1", int(base_url.rsplit(":", 1)[1]))) as connection:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        connection.settimeout(20)
        assert connection.recv(1) == b""  # The server closed it on its way out.
    assert parent.returncode == -signal.SIGKILL
    assert int(child) != parent.pid


def test_writes_its_port_and_stops_on_a_signal(tmp_path: Path) -> None:
    port_file = tmp_path / "port"
    process = subprocess.Popen(
        [sys.executable, "-m", "simulators.llm", "--port", "0", "--port-file", str(port_file)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    assert address == f"http://127.0.0.1:{port_file.read_text()}"
    assert httpx.get(f"{address}/health", timeout=20).status_code == 200
    process.terminate()
    process.wait(timeout=20)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address}/health")


@pytest.mark.parametrize("key", ["", "guess"])
def test_control_needs_its_key(llm: Running, key: str) -> None:
    stranger = ControlClient(llm.control.url, key)
    with pytest.raises(httpx.HTTPStatusError) as error:
        stranger.set_faults({"kind": "hang"})
    assert error.value.response.status_code == 403
    assert llm.control.read("/faults") == []


def test_the_public_port_leads_nowhere_near_the_control_plane(llm: Running) -> None:
    answer = httpx.get(f"{llm.base_url}/__control__/requests", headers=llm.control.headers)
    assert answer.status_code == 404
    assert httpx.get(f"{llm.control.url}/__control__/requests", headers=llm.control.headers).status_code == 200


def test_without_a_key_nobody_controls() -> None:
    with listen() as public, listen() as control:
        url = f"http://127.0.0.1:{control.getsockname()[1]}"
        sockets = [public.fileno(), control.fileno()]
        process = subprocess.Popen(
            [sys.executable, "-m", "simulators.llm", "--sockets", *map(str, sockets), "--with-parent"],
            stdin=subprocess.PIPE,
            pass_fds=sockets,
            env={name: value for name, value in os.environ.items() if name != CONTROL_KEY_VARIABLE},
        )
    answer = httpx.get(f"{url}/__control__/requests", headers={CONTROL_HEADER: ""}, timeout=20)
    process.communicate()
    assert answer.status_code == 403


def test_a_misspelt_fault_or_behaviour_is_refused(llm: Running) -> None:
    for attempt in (
        lambda: llm.control.set_faults({"kind": "hang", "after_token": 3}),
        lambda: llm.control.set_faults({"kind": "explode"}),
        lambda: llm.control.set_faults({"kind": "disconnect", "target": "embeddings"}),
        lambda: llm.control.behave(firsttoken=3),
        lambda: llm.control.behave(rules=[{"user": "(", "text": "x"}]),
    ):
        with pytest.raises(httpx.HTTPStatusError) as error:
            attempt()
        assert error.value.response.status_code == 422


BODY = b'{"a": 1}'


def test_signature_is_the_one_of_the_specification() -> None:
    # The example that the specification's reference implementations share.
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    signature = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    ("signed", "body", "expected"),
    [
        (Signed("m1", "1000", sign("k", "m1", 1000, BODY)), BODY, None),
        (Signed("m1", "1000", f"v1,b2xk {sign('k', 'm1', 1000, BODY)}"), BODY, None),
        (Signed("m1", "1000", sign("k", "m1", 1000, BODY)), b'{"a": 2}', Refusal.FORGED),
        (Signed("m2", "1000", sign("k", "m1", 1000, BODY)), BODY, Refusal.FORGED),
        (Signed("m1", "1001", sign("k", "m1", 1000, BODY)), BODY, Refusal.FORGED),
        (Signed("m1", "1000", sign("other", "m1", 1000, BODY)), BODY, Refusal.FORGED),
        (Signed("m1", "600", sign("k", "m1", 600, BODY)), BODY, Refusal.STALE),
        (Signed("m1", "1400", sign("k", "m1", 1400, BODY)), BODY, Refusal.STALE),
        (Signed("m1", "soon", "v1,x"), BODY, Refusal.STALE),
        (Signed("", "1000", sign("k", "", 1000, BODY)), BODY, Refusal.MISSING),
        (Signed("m1", "1000", ""), BODY, Refusal.MISSING),
    ],
)
def test_only_a_fresh_and_true_signature_is_accepted(signed: Signed, body: bytes, expected: Refusal | None) -> None:
    assert refusal("k", signed, body, now=1010.0) == expected
