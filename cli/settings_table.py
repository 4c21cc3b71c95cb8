"""The README's table of settings, made from the settings themselves."""

from __future__ import annotations

from core.settings import Settings


def settings_table() -> str:
    """Return a Markdown table of every setting: variable, default, meaning."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = default.get_secret_value() if hasattr(default, "get_secret_value") else default
        text = "" if shown in (None, "") else f"`{getattr(shown, 'value', shown)}`"
        rows.append(f"| `COMPANION_{name.upper()}` | {text} | {field.description} |")
    return "\n".join(rows)
