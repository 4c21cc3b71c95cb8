"""Serves one simulator until it is told to stop, or until whoever started it is gone.

The simulated protocol and the control plane listen on two sockets: nothing that merely speaks the protocol, and no
address the simulator gives out, leads to the control plane.
"""

import argparse
import logging
import os
import socket
import threading
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send


@dataclass(frozen=True)
class Simulator:
    """The two applications of a simulator: the protocol it speaks, and what drives it."""

    public: ASGIApp
    control: ASGIApp


class ConnectionCut(Exception):
    """Raised inside an answer to make the server drop the connection without ending the answer."""


class CutResponse(Response):
    """Announces more bytes than it sends, sends `content`, and drops the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = bytes(self.body)
        headers = [(name, value) for name, value in self.raw_headers if name != b"content-length"]
        headers.append((b"content-length", str(len(body) + 1_000).encode()))
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": True})
        raise ConnectionCut


async def until_client_leaves(request: Request) -> None:
    """Wait, without answering, until the client closes the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


class _DeliberateCutsStaySilent(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], ConnectionCut))


def arguments(description: str) -> argparse.ArgumentParser:
    """The arguments that every simulator's command has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--control-port", type=int, help="port of the control plane; without it there is none")
    parser.add_argument("--port-file", type=Path, help="file that receives the port once the socket listens")
    parser.add_argument("--sockets", type=int, nargs=2, help="descriptors of two listening sockets, instead of ports")
    parser.add_argument("--with-parent", action="store_true", help="stop when standard input closes")
    return parser


def serve(simulator: Simulator, options: argparse.Namespace, http: str = "auto") -> None:
    """Serve a simulator as `options` (see `arguments`) say. Returns after a clean stop."""
    listeners = _listeners(options)
    control_port = listeners[1].getsockname()[1] if len(listeners) == 2 else None

    async def by_port(scope: Scope, receive: Receive, send: Send) -> None:
        app = simulator.control if scope["server"][1] == control_port else simulator.public
        await app(scope, receive, send)

    config = uvicorn.Config(
        by_port,
        http=http,
        log_level="warning",
        access_log=False,
        lifespan="off",
        date_header=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    logging.getLogger("uvicorn.error").addFilter(_DeliberateCutsStaySilent())
    if options.with_parent:
        threading.Thread(target=_stop_with_parent, args=(server,), daemon=True).start()
    host, port = listeners[0].getsockname()[:2]
    if options.port_file:
        _write_whole(options.port_file, str(port))
    if options.sockets is None:
        print(f"http://{host}:{port}", flush=True)  # noqa: T201 - the address is this command's output
    server.run(sockets=listeners)


def _listeners(options: argparse.Namespace) -> list[socket.socket]:
    if options.sockets is not None:
        return [socket.socket(fileno=descriptor) for descriptor in options.sockets]
    ports = [options.port] if options.control_port is None else [options.port, options.control_port]
    return [listen(port) for port in ports]


def listen(port: int = 0) -> socket.socket:
    """Return a socket that listens on 127.0.0.1; port 0 takes a free one."""
    return socket.create_server(("127.0.0.1", port), backlog=1024)


def _stop_with_parent(server: uvicorn.Server) -> None:
    # The other end of standard input is held by the parent alone: it closes when the parent ends, however it ends.
    # Read by descriptor: a buffered read would hold a lock that the interpreter needs in order to exit.
    while os.read(0, 1024):
        pass
    server.should_exit = True


def _write_whole(path: Path, text: str) -> None:
    # Renamed into place, so that a reader sees either nothing or the whole port.
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_text(text)
    partial.replace(path)
