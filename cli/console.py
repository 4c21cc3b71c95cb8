"""How the command line speaks: steps with their time, and clear ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Show a step while it runs and how long it took."""
    started = time.monotonic()
    out.print(f"[dim]·[/] {title} …")
    yield
    out.print(f"[green]✓[/] {title} [dim]{time.monotonic() - started:.1f} s[/]")


def note(text: str) -> None:
    """Show a line of progress within a step."""
    out.print(f"  [dim]{text}[/]")
