"""The worker is killed, the database drops its connections: what was promised is still delivered, once for the receiver."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from conversations.ticks import add_ticks
from core.settings import Settings
from db import roles
from db.embedded import EmbeddedPostgres
from simulators.run import Running, serve_in_process
from simulators.signing import SECRET_VARIABLE
from tests.integration.care.conftest import Campus, until
from tests.site import environment_of
from tools.care.working import work_until

PATIENCE_SECONDS = 90


@pytest.fixture
def webhook() -> Iterator[Running]:
    with serve_in_process("simulators.webhook", environment={SECRET_VARIABLE: "shared-secret"}) as running:
        yield running


@contextmanager
def child(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that ends with the test, however it ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.care.working_child"], env=environment_of(settings, 0)
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def reachable(settings: Settings, webhook: Running) -> Settings:
    return settings.model_copy(
        update={
            "webhook_url": f"{webhook.base_url}/hook",
            "webhook_secret": type(settings.webhook_secret)("shared-secret"),
        }
    )


async def test_a_worker_killed_mid_delivery_is_taken_over_and_the_receiver_handles_it_once(
    campus: Campus, reachable: Settings, webhook: Running
) -> None:
    """The receiver has handled the notice, the sender dies before it knows: the next worker asks again."""
    webhook.control.set_faults({"kind": "timeout", "handled": True})
    await campus.crisis()

    def webhook_is_out() -> bool:
        return len(webhook.control.requests()) == 1

    with child(reachable) as first:
        await until(webhook_is_out, PATIENCE_SECONDS)
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert campus.rows("select state from deliveries where channel = 'webhook'") == [{"state": "committed"}]

    def delivered() -> bool:
        return campus.rows("select state from deliveries where channel = 'webhook'") == [{"state": "sent"}]

    with child(reachable) as second:
        await until(delivered, PATIENCE_SECONDS)
        second.terminate()
        assert second.wait(30) == 0
    assert len(webhook.control.read("/deliveries")) == 1
    assert [entry["outcome"] for entry in webhook.control.requests()] == ["fault: timeout", "known"]
    assert len(campus.rows("select 1 from cases")) == 1


async def test_a_worker_outlives_the_loss_of_its_connections(
    campus: Campus, reachable: Settings, webhook: Running, postgres: EmbeddedPostgres
) -> None:
    stopping = asyncio.Event()
    working = asyncio.create_task(work_until(reachable, stopping, add_ticks))

    def delivered() -> int:
        return len(webhook.control.read("/deliveries"))

    try:
        await campus.crisis()
        await until(lambda: delivered() == 1, PATIENCE_SECONDS)
        with psycopg.connect(postgres.admin_dsn, autocommit=True) as admin:
            lost = admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where usename = %s", (roles.WORKER,)
            ).fetchall()
        assert lost
        await campus.crisis()
        await until(lambda: delivered() == 2, PATIENCE_SECONDS)
    finally:
        stopping.set()
        await working
