"""`companion yearly`: a year's counts without persons, to read or to publish."""

from __future__ import annotations

from dataclasses import asdict

import orjson
import psycopg
from rich.table import Table

from cli.console import out
from core.errors import ConfigurationError
from core.settings import Settings
from tools.care.yearly import CampusYear, read_year


def yearly(settings: Settings, year: int, campus: str | None, *, as_json: bool) -> None:
    """Print the counts; raises `ConfigurationError` without the owner's login, `NotFound` and `InvalidInput`."""
    if not settings.owner_dsn.get_secret_value():
        raise ConfigurationError("Set COMPANION_OWNER_DSN: the counts are made as the owner of the database.")
    with psycopg.connect(settings.owner_dsn.get_secret_value()) as owner:
        found = read_year(owner, year, campus)
    if as_json:
        out.print_json(orjson.dumps([asdict(entry) for entry in found]).decode())
        return
    for entry in found:
        out.print(_table(entry))


def _table(entry: CampusYear) -> Table:
    owed = " · the law of its region asks for this report" if entry.owed else ""
    table = Table(title=f"{entry.campus} {entry.year}{owed}", title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    table.add_column("")
    table.add_column("count", justify="right")
    for count in entry.counts:
        table.add_row(count.what, count.kind.replace("_", " "), count.count)
    return table
