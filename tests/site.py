"""The whole service as processes of their own: what a browser, a client and a kill -9 meet."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from cli.demo import Login
from core.settings import Settings

ROOT = Path(__file__).parents[1]
READY_SECONDS = 60


def environment_of(settings: Settings, port: int) -> dict[str, str]:
    """The environment that gives a child exactly these settings."""
    values: dict[str, str] = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        plain = value.get_secret_value() if hasattr(value, "get_secret_value") else value
        if plain not in (None, ""):
            values[f"COMPANION_{name.upper()}"] = str(plain)
    values |= {"COMPANION_PORT": str(port), "COMPANION_PUBLIC_URL": f"http://127.0.0.1:{port}"}
    return os.environ | values


@dataclass
class Site:
    """A running API and worker over one database."""

    settings: Settings
    logins: list[Login]
    port: int = 0
    extra: dict[str, str] = field(default_factory=dict)
    api: subprocess.Popen[bytes] | None = None
    worker: subprocess.Popen[bytes] | None = None
    log: Path | None = None
    """Where the processes write their logs; None: this process's standard error."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def login(self, role: str, number: int = 0) -> Login:
        """The nth demo account with a role."""
        return [login for login in self.logins if login.role == role][number]

    def start(self, *, worker: bool = True) -> None:
        """Start the API, and the worker, and wait until the API is ready."""
        self.port = self.port or free_port()
        self.api = self._spawn("serve")
        self._wait_until_ready()
        if worker and self.worker is None:
            self.worker = self._spawn("worker")

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.address}/health/ready", timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            if self.api is None or self.api.poll() is not None:
                raise RuntimeError("the API did not start")
            time.sleep(0.05)
        raise RuntimeError("the API did not become ready")

    def kill_api(self) -> None:
        """kill -9: what a crash of the machine looks like to the API."""
        if self.api is not None:
            os.kill(self.api.pid, signal.SIGKILL)
            self.api.wait()
            self.api = None

    def stop(self) -> None:
        """Stop what runs."""
        for process in (self.api, self.worker):
            if process is not None and process.poll() is None:
                process.terminate()
                try:
                    process.wait(timeout=15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        self.api = self.worker = None

    def _spawn(self, command: str) -> subprocess.Popen[bytes]:
        environment = environment_of(self.settings, self.port) | self.extra
        command_line = [sys.executable, "-m", "cli.main", command]
        if self.log is None:
            return subprocess.Popen(command_line, cwd=ROOT, env=environment)
        with self.log.open("ab") as log:
            return subprocess.Popen(command_line, cwd=ROOT, env=environment, stdout=log, stderr=log)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
