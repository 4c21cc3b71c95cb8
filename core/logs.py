"""Structured logging without a student's words.

Only known keys pass; everything else is replaced, so a careless call cannot leak what somebody wrote.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

ALLOWED = frozenset(
    {
        "event", "level", "timestamp", "logger", "request_id", "method", "route", "status", "ms", "institution",
        "account", "student", "conversation", "turn", "case", "delivery", "job", "channel", "attempt", "state", "error",
        "error_at", "part", "count", "version", "model", "role", "severity", "category", "mode", "host", "port",
        "pid", "queue",
    }
)  # fmt: skip
"""Keys that may be logged; their values are ids, names of ours or numbers."""


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace every value whose key is not known to be harmless."""
    return {key: value if key in ALLOWED else "[redacted]" for key, value in event.items()}


def describe_exception(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Log an exception by class and place, not by its text or values: both can quote a student."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        trace = error.__traceback__
        while trace and trace.tb_next:
            trace = trace.tb_next
        event["error"] = type(error).__name__
        if trace:
            event["error_at"] = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}"
    return event


class _LibraryHandler(logging.Handler):
    """Carries warnings of libraries as their logger and exception class only; their texts can quote a student."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(
            record.levelno, "library_message", logger=record.name, exc_info=record.exc_info or None
        )


def configure_logging(level: str = "INFO") -> None:
    """Send JSON lines to standard error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            describe_exception,
            redact,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers = [_LibraryHandler()]
    root.setLevel(logging.WARNING)


def get_logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """Return a logger for one module."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(part=name)
    return logger
