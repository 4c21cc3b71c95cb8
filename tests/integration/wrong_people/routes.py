"""Every route, whose it is, and what a right person would send. A route without an entry fails the walk."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.ids import new_id
from db.access import Role
from tests.conftest import PASSWORD

SOON, LATER = "2100-01-01T00:00:00Z", "2100-01-02T00:00:00Z"
SOMEBODY = str(new_id())


class Whose(StrEnum):
    """Who has business at a route."""

    OPEN = "anybody"
    """It checks a password, a token or a ticket of its own, or tells what is public."""
    OWN = "everybody's own"
    STUDENTS = "a student's own"
    STAFF = "counselors and supervisors"
    SUPERVISORS = "supervisors"
    ADMINS = "operators"


ROLES = {
    Whose.OWN: set(Role),
    Whose.STUDENTS: {Role.STUDENT},
    Whose.STAFF: {Role.COUNSELOR, Role.SUPERVISOR},
    Whose.SUPERVISORS: {Role.SUPERVISOR},
    Whose.ADMINS: {Role.ADMIN},
}


@dataclass(frozen=True)
class Entry:
    """Whose a route is, and what a right person would send."""

    whose: Whose
    json: Any = None
    form: Any = None
    query: str = ""
    endless: bool = False
    """It streams until somebody hangs up."""
    of_nobody: bool = False
    """What it tells is nobody's: a token is enough, without a look at its account."""
    says_closed: bool = False
    """It may say to staff of the campus that the case is closed."""


def own(json: Any = None, form: Any = None, query: str = "") -> Entry:
    return Entry(Whose.OWN, json, form, query)


def anybody(json: Any = None, form: Any = None, query: str = "") -> Entry:
    return Entry(Whose.OPEN, json, form, query)


def student(json: Any = None, form: Any = None, query: str = "") -> Entry:
    return Entry(Whose.STUDENTS, json, form, query)


def staff(json: Any = None, form: Any = None, query: str = "", *, endless: bool = False) -> Entry:
    return Entry(Whose.STAFF, json, form, query, endless)


def supervisor(json: Any = None, form: Any = None) -> Entry:
    return Entry(Whose.SUPERVISORS, json, form)


def operator(json: Any = None, form: Any = None) -> Entry:
    return Entry(Whose.ADMINS, json, form)


SIGNS = {"version": "x", "signed_as": "x"}
WRONG = "a wrong password"
CHOSEN = {
    "approaches": ["CBT"], "tone": "plain", "length": "short", "quiet_from": "22:00", "quiet_to": "08:00", "language": "en",
}  # fmt: skip
EXAMPLE = {"message_id": SOMEBODY, "kind": "miss", "lines": ["x"], "category": "suicide", "severity": "low"}
DUTY = {"account_id": SOMEBODY, "rung": "on_call", "starts_at": SOON, "ends_at": LATER}

ACCOUNTS = {
    "POST /api/v1/auth/register": anybody({"email": "x", "password": PASSWORD, "name": "X"}),
    "POST /api/v1/auth/login": anybody({"email": "maya@hill.example", "password": WRONG}),
    "POST /api/v1/auth/refresh": anybody({"refresh_token": "x"}),
    "POST /api/v1/auth/logout": anybody({"refresh_token": "x"}),
    "POST /api/v1/auth/forgot-password": anybody({"email": "nobody@hill.example"}),
    "POST /api/v1/auth/reset-password": anybody({"token": "x", "password": PASSWORD}),
    "GET /api/v1/auth/verify-email": anybody(query="?token=x"),
    "POST /api/v1/auth/login/code": anybody({"ticket": "x", "code": "000000"}),
    "POST /api/v1/auth/totp/enrol": anybody({"ticket": "x"}),
    "POST /api/v1/auth/totp/confirm": anybody({"ticket": "x", "code": "000000"}),
    "POST /api/v1/auth/totp/ticket": own({"password": WRONG}),
    "POST /api/v1/auth/totp/disable": own({"password": WRONG}),
    "GET /api/v1/me": own(),
    "GET /api/v1/profile": own(),
    "PUT /api/v1/profile": own({"name": "X", "age_band": "18_24"}),
}
STUDENTS = {
    "GET /api/v1/consents": student(),
    "PUT /api/v1/consents": student({"data_kind": "mood", "purpose": "companion", "granted": False}),
    "GET /api/v1/consents/{kind}": student(),
    "PUT /api/v1/consents/{kind}": student({"version": "x"}),
    "DELETE /api/v1/consents/{kind}": student(),
    "GET /api/v1/emergency-contacts": student(),
    "POST /api/v1/emergency-contacts": student({"name": "X", "purpose": "crisis"}),
    "DELETE /api/v1/emergency-contacts/{contact_id}": student(),
    "GET /api/v1/export": student(),
    "POST /api/v1/me/delete": student({"password": WRONG}),
    "GET /api/v1/conversations": student(),
    "POST /api/v1/conversations": student(),
    "GET /api/v1/conversations/{conversation_id}/messages": student(),
    "DELETE /api/v1/conversations/{conversation_id}": student(),
    "GET /api/v1/conversations/{conversation_id}/status": student(),
    "POST /api/v1/conversations/{conversation_id}/turns": student({"text": "hello"}),
    "GET /api/v1/conversations/{conversation_id}/turns/{turn_id}/events": student(),
    "GET /api/v1/conversations/{conversation_id}/access": student(),
    "GET /api/v1/access": student(),
    "GET /api/v1/crisis-terms": student(),
    "PUT /api/v1/crisis-terms": student({"call_first": "x"}),
    "GET /api/v1/me/follow-up": student(),
    "PUT /api/v1/me/follow-up": student({"by": "here", "caring": True}),
    "POST /api/v1/rehearsal": student({"text": "hello"}),
    "POST /api/v1/wellness/mood": student({"score": 5}),
    "POST /api/v1/wellness/signals": student({"signal": "phq9_item9"}),
    "GET /api/v1/wellness/mood/history": student(),
    "POST /api/v1/mood/shift": student({"to_score": 4}),
    "GET /api/v1/wellness/mood/today": student(),
    "GET /api/v1/wellness/mood/analytics": student(),
    "GET /api/v1/wellness/emotions": Entry(Whose.STUDENTS, of_nobody=True),
    "GET /api/v1/wellness/crisis/resources": student(),
    "POST /api/v1/wellness/crisis/alert": student({}),
    "GET /api/v1/wellness/instruments": student(),
    "GET /api/v1/wellness/instruments/{name}": student(),
    "POST /api/v1/wellness/instruments/{name}/entries": student({"values": {"hours": 7}}),
    "GET /api/v1/wellness/instruments/{name}/entries": student(),
    "GET /api/v1/wellness/instruments/{name}/summary": student(),
    "GET /api/v1/wellness/entries/{entry_id}": student(),
    "DELETE /api/v1/wellness/entries/{entry_id}": student(),
    "GET /api/v1/wellness/reminders": student(),
    "PUT /api/v1/wellness/reminders/{name}": student({"hour": 12}),
    "DELETE /api/v1/wellness/reminders/{name}": student(),
    "GET /api/v1/companion/settings": student(),
    "PUT /api/v1/companion/settings": student(CHOSEN),
    "GET /api/v1/safety-plan": student(),
    "PUT /api/v1/safety-plan": student({"own_coping": ["x"]}),
    "POST /api/v1/tasks": student({"title": "x"}),
    "GET /api/v1/tasks": student(),
    "GET /api/v1/tasks/due": student(),
    "POST /api/v1/tasks/{task_id}/complete": student(),
    "GET /api/v1/tasks/{task_id}": student(),
    "PATCH /api/v1/tasks/{task_id}": student({"title": "x"}),
    "DELETE /api/v1/tasks/{task_id}": student(),
    "POST /api/v1/tasks/{task_id}/reopen": student(),
    "GET /api/v1/academic/courses": student(),
    "GET /api/v1/academic/assignments": student(),
    "GET /api/v1/academic/assignments/{work_id}": student(),
    "GET /api/v1/academic/grades": student(),
    "GET /api/v1/academic/missing": student(),
    "GET /api/v1/academic/priorities": student(),
    "GET /api/v1/academic/study-plan": student(),
    "GET /api/v1/academic/study-times": student(),
    "PUT /api/v1/academic/study-times": student({"sleep_from": "23:00", "sleep_to": "07:00", "free_hours": [3] * 7}),
    "DELETE /api/v1/academic/study-times": student(),
    "GET /api/v1/academic/analytics/stress": student(),
    "POST /api/v1/academic/analytics/stress/felt": student({"felt": 5}),
    "GET /api/v1/academic/analytics/overview": student(),
    "GET /api/v1/academic/canvas/auth-url": student(),
    "GET /api/v1/academic/canvas/callback": student(query="?state=x&code=x"),
    "POST /api/v1/academic/canvas/callback": student({"state": "x", "code": "x"}),
    "GET /api/v1/academic/canvas/status": student(),
    "POST /api/v1/academic/canvas/sync": student(),
    "POST /api/v1/academic/canvas/disconnect": student(),
    "GET /api/v1/academic/canvas/consent": student(),
    "POST /api/v1/academic/canvas/consent": student({"version": "x"}),
}
CARE = {
    "GET /api/v1/care/queue": staff(),
    "POST /api/v1/care/queue/shown": staff({"cases": [SOMEBODY]}),
    "GET /api/v1/care/colleagues": staff(),
    "GET /api/v1/care/events": staff(endless=True),
    "GET /api/v1/care/on-call": staff(),
    "PUT /api/v1/care/phone": staff({"phone": None}),
    "GET /api/v1/care/cases/{case_id}": staff(),
    "GET /api/v1/care/cases/{case_id}/transcript": staff(),
    "GET /api/v1/care/cases/{case_id}/evidence": staff(),
    "GET /api/v1/care/cases/{case_id}/dispatch": staff(),
    "POST /api/v1/care/cases/{case_id}/claim": staff(),
    "POST /api/v1/care/cases/{case_id}/release": staff(),
    "POST /api/v1/care/cases/{case_id}/typing": staff(),
    "POST /api/v1/care/cases/{case_id}/reply": staff({"text": "x"}),
    "POST /api/v1/care/cases/{case_id}/hand-back": staff({"text": "x"}),
    "POST /api/v1/care/cases/{case_id}/notes": staff({"text": "x"}),
    "POST /api/v1/care/cases/{case_id}/severity": staff({"severity": "low", "reason": "x"}),
    "POST /api/v1/care/cases/{case_id}/transfer": staff({"to": SOMEBODY}),
    "POST /api/v1/care/cases/{case_id}/take-over": staff({"reason": "x"}),
    "POST /api/v1/care/cases/{case_id}/follow-up": staff({"at": SOON}),
    "POST /api/v1/care/cases/{case_id}/caring": staff(),
    "POST /api/v1/care/cases/{case_id}/disclosures": staff({"threat": "x", "told": ["police"]}),
    "POST /api/v1/care/cases/{case_id}/close": staff({"outcome": "misread"}),
    "GET /api/v1/care/cases/{case_id}/examples": staff(),
    "POST /api/v1/care/cases/{case_id}/examples": staff(EXAMPLE),
    "GET /api/v1/care/signatures": staff(),
    "POST /api/v1/care/signatures/{part}": supervisor(SIGNS),
    "GET /api/v1/care/report": supervisor(),
    "POST /api/v1/care/on-call": supervisor(DUTY),
    "DELETE /api/v1/care/on-call/{duty_id}": supervisor(),
    "PUT /api/v1/care/staff/{account_id}/confidential": operator({"confidential": True}),
    "GET /api/v1/operation/readiness": operator(),
    "GET /api/v1/operation/rules": operator(),
    "PUT /api/v1/operation/rules": operator({"responder": "staffed"}),
    "GET /api/v1/operation/health": operator(),
    "POST /api/v1/operation/signatures/law": operator(SIGNS),
}
PUBLIC = {
    "GET /api/v1/lines": anybody(),
    "GET /health/live": anybody(),
    "GET /health/ready": anybody(),
    "GET /metrics": anybody(),
    "GET /api/v1/openapi.json": anybody(),
    "GET /": anybody(),
    "GET /sw.js": anybody(),
    "GET /about": anybody(),
    "GET /protocol": anybody(),
    "GET /help": anybody(),
    "GET /library": anybody(),
    "GET /library/{slug}": anybody(),
    "GET /sign-in": anybody(),
    "POST /sign-in": anybody(form={"email": "maya@hill.example", "password": WRONG}),
    "POST /sign-in/code": anybody(form={"ticket": "x", "code": "000000"}),
    "POST /sign-in/set-up": anybody(form={"ticket": "x", "secret": "x", "uri": "x", "code": "000000"}),
    "GET /register": anybody(),
    "POST /register": anybody(form={"email": "x", "password": PASSWORD, "name": "X"}),
    "POST /sign-out": anybody(form={}),
    "POST /session/renew": anybody(form={}),
    "GET /forgot-password": anybody(),
    "POST /forgot-password": anybody(form={"email": "nobody@hill.example"}),
    "GET /reset-password": anybody(),
    "POST /reset-password": anybody(form={"token": "x", "password": PASSWORD}),
}
STUDENT_PAGES = {
    "GET /chat": student(),
    "GET /chat/new": student(),
    "GET /chat/history": student(),
    "GET /chat/waiting-to-delete": Entry(Whose.STUDENTS, of_nobody=True),
    "GET /chat/{conversation}": student(),
    "GET /chat/{conversation}/messages": student(),
    "POST /chat/new": student(form={"text": "hello", "key": SOMEBODY}),
    "POST /chat/{conversation}": student(form={"text": "hello", "key": SOMEBODY}),
    "POST /chat/{conversation}/delete": student(form={}),
    "GET /chat/{conversation}/looks": student(),
    "GET /looks": student(),
    "GET /plan": student(),
    "GET /studies": student(),
    "POST /studies/tasks": student(form={"title": "x"}),
    "GET /studies/tasks/{task_id}": student(),
    "POST /studies/tasks/{task_id}": student(form={"title": "x"}),
    "POST /studies/tasks/{task_id}/done": student(form={}),
    "POST /studies/tasks/{task_id}/delete": student(form={}),
    "POST /studies/felt": student(form={"felt": "5"}),
    "GET /studies/times": student(),
    "POST /studies/times": student(form={"sleep_from": "23:00", "sleep_to": "07:00", "free_0": "3"}),
    "POST /studies/times/busy": student(form={"weekday": "1", "start": "09:00", "end": "10:00"}),
    "POST /studies/times/busy/remove": student(form={"number": "0"}),
    "POST /studies/times/forget": student(form={}),
    "GET /plan/write": student(),
    "POST /plan/write": student(form={"own_coping": "x"}),
    "GET /logs": student(),
    "GET /logs/mood": student(),
    "POST /logs/mood": student(form={"score": "5"}),
    "GET /logs/{name}": student(),
    "POST /logs/{name}": student(form={"hours": "7"}),
    "POST /logs/{name}/reminder": student(form={"hour": "12"}),
    "POST /logs/{name}/{entry_id}/delete": student(),
    "GET /yours/companion": student(),
    "POST /yours/companion": student(
        form={"tone": "plain", "length": "short", "quiet_from": "22:00", "quiet_to": "08:00"}
    ),
    "GET /canvas": student(),
    "GET /canvas/connect": student(),
    "POST /canvas/consent": student(form={"version": "x"}),
    "POST /canvas/sync": student(form={}),
    "POST /canvas/disconnect": student(form={}),
    "GET /yours": student(),
    "POST /yours/examples": student(form={"answer": "no"}),
    "POST /yours/follow-up": student(form={"by": "here"}),
    "GET /crisis-terms": student(),
    "POST /crisis-terms": student(form={"call_first": "x"}),
    "GET /rehearsal": student(),
    "POST /rehearsal": student(form={"text": "hello"}),
}
CONSOLE = {
    "GET /console": staff(),
    "GET /console/queue": staff(),
    "POST /console/shown": staff(form={"case": [SOMEBODY]}),
    "GET /console/cases/{case_id}": staff(),
    "GET /console/cases/{case_id}/live": Entry(Whose.STAFF, says_closed=True),
    "GET /console/cases/{case_id}/transcript": staff(),
    "GET /console/cases/{case_id}/evidence": staff(),
    "GET /console/cases/{case_id}/dispatch": staff(),
    "POST /console/cases/{case_id}/claim": staff(form={}),
    "POST /console/cases/{case_id}/release": staff(form={}),
    "POST /console/cases/{case_id}/take-over": staff(form={"text": "x"}),
    "POST /console/cases/{case_id}/typing": staff(form={}),
    "POST /console/cases/{case_id}/reply": staff(form={"text": "x"}),
    "POST /console/cases/{case_id}/hand-back": staff(form={"text": "x"}),
    "POST /console/cases/{case_id}/note": staff(form={"text": "x"}),
    "POST /console/cases/{case_id}/severity": staff(form={"to": "low", "reason": "x"}),
    "POST /console/cases/{case_id}/transfer": staff(form={"to": SOMEBODY}),
    "POST /console/cases/{case_id}/follow-up": staff(form={"due": "2100-01-01T00:00"}),
    "POST /console/cases/{case_id}/caring": staff(form={}),
    "POST /console/cases/{case_id}/disclose": staff(form={"text": "x", "told": ["police"]}),
    "POST /console/cases/{case_id}/close": staff(form={"outcome": "misread"}),
    "POST /console/cases/{case_id}/misread": staff(form={"then": "leave"}),
    "GET /console/cases/{case_id}/miss/{message}": staff(),
    "POST /console/cases/{case_id}/miss/{message}": staff(form={"then": "keep", "read": "yes"}),
    "GET /console/report": supervisor(),
    "GET /console/protocol": supervisor(),
    "GET /console/protocol/{part}": supervisor(),
    "POST /console/protocol/{part}": supervisor(form=SIGNS),
    "GET /console/rota": staff(),
    "POST /console/rota/duties": supervisor(
        form={"account": SOMEBODY, "rung": "on_call", "starts": "2100-01-01T00:00", "ends": "2100-01-01T08:00"}
    ),
    "POST /console/rota/duties/{duty_id}/remove": supervisor(form={}),
    "POST /console/rota/phone": staff(form={"phone": ""}),
    "GET /operator": operator(),
    "POST /operator/rules": operator(form={}),
    "POST /operator/lines": operator(form={}),
    "POST /operator/law": operator(form=SIGNS),
    "POST /operator/staff/{account_id}": operator(form={"confidential": "yes"}),
}
ROUTES: dict[str, Entry] = {**ACCOUNTS, **STUDENTS, **CARE, **PUBLIC, **STUDENT_PAGES, **CONSOLE}
