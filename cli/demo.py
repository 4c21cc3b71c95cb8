"""The demo campus: students with weeks of mood, sleep and tasks, counselors, an operator. Made once, never in production."""

from __future__ import annotations

import contextlib
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from cli.campus import create_campus
from core.clock import SystemClock
from core.crypto import KeyRing
from core.errors import ConfigurationError, Conflict
from core.settings import Settings
from db.access import Acting, Database, Role, Tx
from tools.academic.tasks import create_task
from tools.care.plan import SafetyPlan, save_plan
from tools.people.accounts import Accounts, NewAccount
from tools.people.keys import student_key
from tools.wellness.instruments.answers import Answers
from tools.wellness.instruments.definition import definition
from tools.wellness.instruments.entries import save_entry
from tools.wellness.mood import log_mood

PEOPLE = Path(__file__).parent / "demo.yaml"
EMOTIONS_BY_SCORE = {
    3: ("down", "lonely"), 4: ("stressed", "tired"), 5: ("anxious",), 6: ("calm",), 7: ("content", "hopeful"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody to sign in as."""

    email: str
    password: str
    role: str
    about: str


async def ensure_demo(settings: Settings) -> list[Login]:
    """Create the demo campus unless it stands; returns the logins. Raises `ConfigurationError` in production."""
    if settings.production:
        raise ConfigurationError("The demo campus is for development only.")
    password = settings.demo_password.get_secret_value()
    everyone = yaml.safe_load(PEOPLE.read_text())
    logins = [Login(person["email"], password, person["role"], person["about"]) for person in everyone["people"]]
    campus = everyone["campus"]
    rules = {"staffing": "always", "escalation_email": "on-call@demo.example", "second_factor": "offered"}
    with contextlib.suppress(Conflict):  # made at an earlier start
        create_campus(
            settings,
            campus["slug"],
            campus["name"],
            region=campus["region"],
            time_zone=campus["time_zone"],
            rules=rules,
        )
    keys = KeyRing.from_setting(settings.master_key.get_secret_value())
    app = Database(settings.app_dsn.get_secret_value(), keys, size=2)
    auth = Database(settings.auth_dsn.get_secret_value(), keys, size=2)
    await app.open()
    await auth.open()
    try:
        accounts = Accounts(auth, keys, settings, SystemClock())
        for person in everyone["people"]:
            await _ensure_person(app, accounts, person, everyone, password)
    finally:
        await app.close()
        await auth.close()
    return logins


async def _ensure_person(
    app: Database, accounts: Accounts, person: dict[str, Any], everything: dict[str, Any], password: str
) -> None:
    campus = everything["campus"]
    account = NewAccount(
        email=person["email"],
        password=password,
        name=person["name"],
        age_band=person.get("age_band"),
        region=campus["region"],
        time_zone=campus["time_zone"],
        pronouns=person.get("pronouns"),
    )
    who = await accounts.find(campus["slug"], person["email"])
    if who is None:
        who = await accounts.register(campus["slug"], account, Role(person["role"]))
    if who.role is Role.STUDENT:
        async with app.acting(who) as tx:
            if not await (await tx.conn.execute("select 1 from entries limit 1")).fetchone():
                await _live_through_weeks(tx, who, person, everything["plan"])


async def _live_through_weeks(tx: Tx, who: Acting, person: dict[str, Any], plan: dict[str, list[str]]) -> None:
    key = await student_key(tx)
    dice = random.Random(person["email"])  # noqa: S311  # invented weeks, the same every time
    now = datetime.now(UTC)
    weeks = len(person["mood"])
    for week, (mood, hours) in enumerate(zip(person["mood"], person["sleep"], strict=True)):
        for day in range(7):
            back = timedelta(days=(weeks - 1 - week) * 7 + (6 - day))
            at = now - back - timedelta(hours=dice.uniform(0, 5))
            score = max(1, min(10, mood + dice.choice((-1, 0, 0, 1))))
            if dice.random() < 0.8:
                await log_mood(tx, key, score=score, emotions=EMOTIONS_BY_SCORE.get(score, ()), at=at, tell=False)
            slept: Answers = {"hours": round(hours + dice.uniform(-0.8, 0.8), 1), "quality": 3}
            await save_entry(tx, key, definition("sleep"), slept, None, day=(now - back).date(), at=at, tell=False)
    for title, course, days, minutes in person["tasks"]:
        due = (now + timedelta(days=days)).replace(hour=5, minute=59, second=0, microsecond=0)
        await create_task(tx, key, title=title, course=course, due_at=due, estimate_minutes=minutes)
    if person["plan"]:
        await save_plan(tx, key, SafetyPlan.from_lines(plan), at=now)
