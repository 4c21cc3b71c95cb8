"""Serves one simulator on one socket until it is told to stop, or until whoever started it is gone."""

import argparse
import logging
import os
import socket
import threading
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send


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
    parser.add_argument("--port-file", type=Path, help="file that receives the port once the socket listens")
    parser.add_argument("--fd", type=int, help="descriptor of an already listening socket, instead of a port")
    parser.add_argument("--with-parent", action="store_true", help="stop when standard input closes")
    return parser


def serve(app: FastAPI, options: argparse.Namespace) -> None:
    """Serve `app` as `options` (see `arguments`) say. Returns after a clean stop."""
    listener = socket.socket(fileno=options.fd) if options.fd is not None else _listen(options.port)
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    )
    logging.getLogger("uvicorn.error").addFilter(_DeliberateCutsStaySilent())
    if options.with_parent:
        threading.Thread(target=_stop_with_parent, args=(server,), daemon=True).start()
    host, port = listener.getsockname()[:2]
    if options.port_file:
        _write_whole(options.port_file, str(port))
    if options.fd is None:
        print(f"http://{host}:{port}", flush=True)  # noqa: T201 - the address is this command's output
    server.run(sockets=[listener])


def _listen(port: int) -> socket.socket:
    return socket.create_server(("127.0.0.1", port), backlog=1024)


def _stop_with_parent(server: Any) -> None:
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
