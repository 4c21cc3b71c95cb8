"""`companion care`: what care gives to those who keep the service, at their machine."""

from __future__ import annotations

import asyncio
from pathlib import Path

from core.crypto import KeyRing
from core.errors import Conflict
from core.settings import Settings
from db.access import Database
from tools.care.examples.export import exported_rows


def export_evals(settings: Settings, out: Path | None, campus: str | None) -> tuple[int, str]:
    """Write the kept examples as JSONL; returns how many, and the text when there is no file to write.

    Raises `Conflict` rather than write over a file.
    """
    if out is not None and out.exists():
        raise Conflict(f"{out.name} exists. Choose another name, so that no earlier file is lost.")
    rows = asyncio.run(_rows(settings, campus))
    text = "".join(f"{row}\n" for row in rows)
    if out is not None:
        out.write_text(text, encoding="utf-8")
        return len(rows), ""
    return len(rows), text


async def _rows(settings: Settings, campus: str | None) -> list[str]:
    keys = KeyRing.from_setting(settings.master_key.get_secret_value())
    worker = Database(settings.worker_dsn.get_secret_value(), keys, size=1)
    await worker.open()
    try:
        return [row async for row in exported_rows(worker, campus)]
    finally:
        await worker.close()
