"""Small, plausible bugs, seeded into a function as it is: the source is changed in one place and compiled again."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from typing import Any

import pytest


def seed(patch: pytest.MonkeyPatch, function: Callable[..., Any], old: str, new: str) -> None:
    """Give a function, wherever it was imported to, the body in which `old` reads `new`; undone with the test.

    Fails when the source no longer holds `old`: a mutation that changes nothing would prove nothing.
    """
    source = textwrap.dedent(inspect.getsource(function))
    assert old in source, f"{function.__name__} no longer reads {old!r}"
    made: dict[str, Any] = {}
    tree = compile(f"from __future__ import annotations\n{source.replace(old, new)}", inspect.getfile(function), "exec")
    exec(tree, function.__globals__, made)  # noqa: S102  # our own source, one expression changed
    changed = made[function.__name__]
    patch.setattr(function, "__code__", changed.__code__)
