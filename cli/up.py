"""`companion up`: everything on one machine, started together and stopped together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from types import FrameType

import httpx

from cli.console import err, out, step
from cli.demo import Login, ensure_demo
from cli.stack import embedded_stack, only_one, remember_address
from core.errors import ConfigurationError
from core.settings import Settings
from db.embedded import die_with_parent
from simulators.run import serve_in_process

READY_TIMEOUT_SECONDS = 60
MOST_RESTARTS = 5
HEALTHY_SECONDS = 60
"""A process that ran this long has earned its restarts back."""


class _Stop(BaseException):
    """Somebody asked to stop."""


@dataclass
class Child:
    """A process of ours that is started again when it dies."""

    name: str
    arguments: list[str]
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0
    started: float = 0.0

    def start(self) -> None:
        self.started = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603  # our own command
            [sys.executable, "-m", "cli.main", *self.arguments],
            env=self.environment,
            preexec_fn=die_with_parent,  # noqa: PLW1509  # it makes one system call and allocates nothing
            start_new_session=True,
        )

    def look_after(self) -> None:
        """Start the process again if it died; raises `ConfigurationError` when it keeps dying."""
        if self.process is None or self.process.poll() is None:
            return
        if time.monotonic() - self.started > HEALTHY_SECONDS:
            self.restarts = 0
        self.restarts += 1
        if self.restarts > MOST_RESTARTS:
            raise ConfigurationError(
                f"The {self.name} keeps stopping (exit {self.process.returncode}); see its messages above."
            )
        err.print(f"[yellow]The {self.name} stopped; starting it again.[/]")
        self.start()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def up(settings: Settings, *, demo: bool) -> None:
    """Start everything, print the address, stay until stopped; raises `ConfigurationError`."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    try:
        with only_one(settings.home), embedded_stack(settings) as stack, ExitStack() as children:
            logins = _make_demo(stack.settings) if demo else []
            port = _free_port(settings.host, settings.port)
            address = f"http://{settings.host}:{port}"
            remember_address(settings.home, address)
            environment = (
                os.environ
                | {
                    "COMPANION_HOME": str(settings.home),
                    "COMPANION_PORT": str(port),
                    "COMPANION_PUBLIC_URL": address,
                    "COMPANION_DEMO": "true" if demo else "false",
                }
                | (_demo_canvas(children) if demo and not settings.canvas_url else {})
            )
            api, worker = Child("API", ["serve"], environment), Child("worker", ["worker"], environment)
            with step("API and worker"):
                children.callback(api.stop)
                api.start()
                _wait_until_ready(address, api)
                # The worker probes the API with a synthetic crisis: it comes when there is something to probe.
                children.callback(worker.stop)
                worker.start()
            _welcome(address, logins)
            while True:
                time.sleep(0.5)
                for child in (api, worker):
                    child.look_after()
    except _Stop:
        out.print("\nStopped. Your data stays in the home folder.")


def _stop(_: int, __: FrameType | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Stop


def _make_demo(settings: Settings) -> list[Login]:
    import asyncio  # noqa: PLC0415

    with step("Demo campus"):
        return asyncio.run(ensure_demo(settings))


def _demo_canvas(children: ExitStack) -> dict[str, str]:
    """Run the simulated Canvas beside the demo campus; returns the settings that reach it. It forgets when it stops."""
    with step("Canvas of the demo campus"):
        running = children.enter_context(serve_in_process("simulators.canvas"))
    return {
        "COMPANION_CANVAS_URL": running.base_url,
        "COMPANION_CANVAS_CLIENT_ID": "10002",
        "COMPANION_CANVAS_CLIENT_SECRET": "scoped-development-secret",
    }


def _free_port(host: str, wanted: int) -> int:
    for port in (*range(wanted, wanted + 20), 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ConfigurationError("No free port was found; set COMPANION_PORT.")


def _wait_until_ready(address: str, api: Child) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{address}/health/ready", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass
        if api.process is not None and api.process.poll() is not None:
            raise ConfigurationError("The API did not start; its message is above.")
        time.sleep(0.1)
    raise ConfigurationError("The API did not answer in time.")


def _welcome(address: str, logins: list[Login]) -> None:
    out.print(f"\n[bold]Companion runs at {address}[/]   Ctrl-C stops it.")
    if logins:
        out.print(f"Demo campus, password of all: [bold]{logins[0].password}[/]")
        for login in logins:
            out.print(f"  {login.role:<11}{login.email:<28}[dim]{login.about}[/]")
