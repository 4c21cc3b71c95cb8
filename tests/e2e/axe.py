"""Runs axe-core on a page and says what it found, short enough to act on."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from playwright.async_api import Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@cache
def _source() -> str:
    return (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")


async def violations(page: Page) -> list[str]:
    """Return one line for each violation: the rule, and the first nodes that break it."""
    await page.evaluate(_source())
    found: dict[str, Any] = await page.evaluate(
        "(tags) => axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] })", RULES
    )
    return [
        f"{entry['id']}: {entry['help']}: {[node['html'][:160] for node in entry['nodes'][:3]]}"
        for entry in found["violations"]
    ]
