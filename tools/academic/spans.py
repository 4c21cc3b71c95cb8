"""Lengths of time and shares in a student's words."""

from __future__ import annotations


def hours_text(hours: float) -> str:
    """`20 minutes`, `1 hour`, `3.5 hours`, `2 days` from 48 hours on."""
    if hours >= 48:
        return f"{round(hours / 24)} days"
    minutes = round(hours * 60 / 5) * 5
    if minutes < 60:
        return f"{max(minutes, 5)} minutes"
    halves = round(hours * 2) / 2
    return "1 hour" if halves == 1 else f"{halves:g} hours"


def percent_text(share: float) -> str:
    """A share of 0 to 1 in whole percent, `under 1` where it is less."""
    percent = round(100 * share)
    return "under 1" if percent == 0 and share > 0 else str(percent)
