"""A PostgreSQL of a test's own, to be killed."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from db import roles
from db.embedded import EmbeddedPostgres, ensure_database, start_postgres
from db.migrate import migrate

GONE_SECONDS = 30


@dataclass
class MortalPostgres:
    """A server that can die by kill -9 and come back with its data."""

    server: EmbeddedPostgres

    @classmethod
    def start(cls, data: Path, *databases: str) -> MortalPostgres:
        """Start it with databases that have the schema."""
        server = start_postgres(data)
        with psycopg.connect(server.admin_dsn, autocommit=True) as admin:
            # A killed process leaves its writes to the system; only recovery would sync every file first, for long.
            admin.execute("alter system set fsync = off")
            admin.execute("select pg_reload_conf()")
        for name in databases:
            ensure_database(server, name)
            migrate(server.dsn(roles.OWNER, name))
        return cls(server)

    def kill(self) -> None:
        """kill -9 of the whole server, and wait until nothing of it runs."""
        pid = int((self.server.data / "postmaster.pid").read_text().split()[0])
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        for process in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        _, alive = psutil.wait_procs(family, GONE_SECONDS)
        assert not alive

    def restart(self) -> None:
        """Start it again over its data; it recovers by itself."""
        deadline = time.monotonic() + GONE_SECONDS
        while True:
            try:
                start_postgres(self.server.data)
                return
            except OSError:  # The socket of the dead one is still being cleared away.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def stop(self) -> None:
        """Stop it for good."""
        self.server.stop()
