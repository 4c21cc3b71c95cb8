"""Runs a simulator in a process of its own, for tests and demos."""

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from simulators.control import CONTROL_KEY_VARIABLE, ControlClient
from simulators.serving import listen


@dataclass(frozen=True)
class Running:
    """A simulator that answers at `base_url` (no trailing slash) and is driven through `control`."""

    base_url: str
    control: ControlClient
    process: subprocess.Popen[bytes]


@contextmanager
def serve_in_process(
    module: str, *arguments: str, environment: Mapping[str, str] | None = None, ready_within: float = 30.0
) -> Iterator[Running]:
    """Run `python -m module` on a free port of 127.0.0.1 and yield it once it answers `/health`.

    `arguments` and `environment` are handed to the command; `ready_within` is in seconds. The process ends with the
    context, and also when this process dies without leaving it. Raises `RuntimeError` if it does not become ready.
    """
    key = secrets.token_urlsafe(16)
    # The sockets listen before the process starts: a request sent at once waits in the queue, so nobody has to poll.
    with listen() as public, listen() as control_plane:
        sockets = [public.fileno(), control_plane.fileno()]
        process = subprocess.Popen(  # noqa: S603 - our own module, no shell
            [sys.executable, "-m", module, "--sockets", *map(str, sockets), "--with-parent", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=sockets,
            env={**os.environ, **(environment or {}), CONTROL_KEY_VARIABLE: key},
        )
        base_url, control_url = _url(public), _url(control_plane)
    control = ControlClient(control_url, key)
    try:
        _wait_until_ready(module, base_url, process, ready_within)
        yield Running(base_url, control, process)
    finally:
        control.close()
        _stop(process)


def _url(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def _wait_until_ready(module: str, base_url: str, process: subprocess.Popen[bytes], within: float) -> None:
    # This process has closed its copies of the sockets, so a child that dies refuses the connection instead of hanging.
    try:
        httpx.get(f"{base_url}/health", timeout=within).raise_for_status()
    except httpx.HTTPError as error:
        raise RuntimeError(f"{module} did not become ready (exit code {process.poll()})") from error


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
