"""A campus whose every part can be killed: own PostgreSQL and Redis, model, mail server and webhook, API and worker."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import SecretStr

from cli.secrets import generate
from core.clock import SystemClock
from core.crypto import KeyRing
from core.ids import new_id
from core.settings import Settings
from db.access import Acting, Database, Role
from db.embedded import EmbeddedRedis, start_redis
from simulators.run import Running, serve_in_process
from simulators.signing import SECRET_VARIABLE
from tests.conftest import PASSWORD, make_campus, settings_over
from tests.mortal import MortalPostgres
from tests.site import Site, free_port
from tools.people.accounts import Accounts, NewAccount

WEBHOOK_SECRET = "shared-secret"
STUDENTS = 30


@dataclass
class MailServer:
    """Accepts mail, or refuses it for a while; keeps the identifiers of what it accepted."""

    refuses: bool = False
    refused: int = 0
    accepted: list[str] = field(default_factory=list)
    """Message-IDs, whose first part is the notice's id."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.refuses:
            self.refused += 1
            return "451 try again later"
        message = message_from_bytes(envelope.original_content or b"")
        self.accepted.append(str(message["Message-ID"]).strip("<>"))
        return "250 OK"


@dataclass
class World:
    """What the storm strikes."""

    settings: Settings
    postgres: MortalPostgres
    redis: EmbeddedRedis
    folder: Path
    mail: MailServer
    webhook: Running
    model: Running
    site: Site
    students: list[Acting]

    def kill_redis(self) -> None:
        """kill -9 of Redis."""
        self.redis.process.kill()
        self.redis.process.wait()

    def restart_redis(self) -> None:
        """Start it again, empty, on the same socket."""
        self.redis = start_redis(self.folder / "redis")

    def kill_worker(self) -> None:
        """kill -9 of the worker."""
        if self.site.worker is not None:
            os.kill(self.site.worker.pid, signal.SIGKILL)
            self.site.worker.wait()
            self.site.worker = None

    def start_worker(self) -> None:
        """Start a worker where none runs."""
        if self.site.worker is None:
            self.site.worker = self.site._spawn("worker")


@contextmanager
def open_world(folder: Path) -> Iterator[World]:
    """Start everything, with students who can sign in; ends everything."""
    mail = MailServer()
    controller = Controller(mail, hostname="127.0.0.1", port=free_port())
    postgres = MortalPostgres.start(folder / "pg", "chaos")
    redis = start_redis(folder / "redis")
    environment = {SECRET_VARIABLE: WEBHOOK_SECRET}
    try:
        controller.start()
        with (
            serve_in_process("simulators.webhook", environment=environment) as webhook,
            serve_in_process("simulators.llm", "--first-token-ms", "20", "--per-token-ms", "2") as model,
        ):
            settings = _settings(settings_over(postgres.server, redis, generate(), "chaos"), controller, webhook, model)
            students = asyncio.run(_students(settings))
            site = Site(settings, [], log=folder / "site.log")
            world = World(settings, postgres, redis, folder, mail, webhook, model, site, students)
            try:
                site.start()
                yield world
            finally:
                site.stop()
                world.redis.process.kill()
    finally:
        controller.stop()
        postgres.restart()
        postgres.stop()


def _settings(base: Settings, mail: Controller, webhook: Running, model: Running) -> Settings:
    return base.model_copy(
        update={
            "smtp_url": SecretStr(f"smtp://127.0.0.1:{mail.port}"),
            "alert_email": "operator@x.example",
            "webhook_url": f"{webhook.base_url}/hook",
            "webhook_secret": SecretStr(WEBHOOK_SECRET),
            "model": "openai:simulated",
            "model_base_url": f"{model.base_url}/v1",
            "model_api_key": SecretStr("none"),
            "model_timeout_seconds": 2.0,
            "turn_lease_seconds": 5,
            "log_level": "ERROR",
        }
    )


async def _students(settings: Settings) -> list[Acting]:
    make_campus(settings, "hill", line_24_7={"email": "line@x.example"})
    keys = KeyRing.from_setting(settings.master_key.get_secret_value())
    auth = Database(settings.auth_dsn.get_secret_value(), keys, size=2)
    await auth.open()
    try:
        accounts = Accounts(auth, keys, settings, SystemClock())
        return [await accounts.register("hill", _account(number), Role.STUDENT) for number in range(STUDENTS)]
    finally:
        await auth.close()


def _account(number: int) -> NewAccount:
    return NewAccount(
        f"student{number}-{new_id().hex}@x.example", PASSWORD, f"Student {number}", "18_24", "US", "America/Denver"
    )
