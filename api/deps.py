"""Who asks, and the parts that answer: tiny dependency functions."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.parts import Parts
from core.errors import NotAllowed, NotAuthenticated
from db.access import Acting, Role
from tools.people.attempts import Client

ACCESS_COOKIE = "companion_access"
REFRESH_COOKIE = "companion_refresh"
DEVICE_COOKIE, DEVICE_HEADER = "companion_device", "companion-device"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_bearer = HTTPBearer(auto_error=False, description="Access token from `POST /api/v1/auth/login`")


def get_parts(request: Request) -> Parts:
    """The parts opened in the lifespan."""
    parts: Parts = request.app.state.parts
    return parts


PartsDep = Annotated[Parts, Depends(get_parts)]


def same_origin(request: Request) -> None:
    """Refuse a request that another site made a browser send: cookies alone prove nothing then.

    Raises `NotAllowed`.
    """
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        allowed = site in ("same-origin", "none")
    else:
        origin = request.headers.get("origin")
        allowed = origin is not None and urlsplit(origin).netloc == request.headers.get("host")
    if not allowed:
        raise NotAllowed("This came from another site. Open the companion itself and try again.")


def client_of(request: Request) -> Client:
    """What asks: its address, its kind, and the device token that it keeps, by which tries are counted."""
    return Client(
        request.client.host if request.client else "",
        request.headers.get("user-agent", "")[:300],
        (request.headers.get(DEVICE_HEADER) or request.cookies.get(DEVICE_COOKIE) or "")[:100] or None,
    )


ClientDep = Annotated[Client, Depends(client_of)]


def acting(
    request: Request,
    parts: PartsDep,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)] = None,
) -> Acting:
    """Who acts, by bearer token or by the browser's cookie; raises `NotAuthenticated`, `NotAllowed`."""
    if bearer is not None:
        return parts.accounts.access.read(bearer.credentials)
    cookie = request.cookies.get(ACCESS_COOKIE)
    if not cookie:
        raise NotAuthenticated
    same_origin(request)
    return parts.accounts.access.read(cookie)


ActingDep = Annotated[Acting, Depends(acting)]


def acting_student(who: ActingDep) -> Acting:
    """The acting student; raises `NotAllowed` for everybody else."""
    if who.role is not Role.STUDENT:
        raise NotAllowed("This is a student's own place.")
    return who


def acting_staff(who: ActingDep) -> Acting:
    """The acting counselor or supervisor; raises `NotAllowed` for everybody else."""
    if not who.role.is_staff:
        raise NotAllowed("This is for counselors on duty.")
    return who


def acting_operator(who: ActingDep) -> Acting:
    """The acting operator of a campus; raises `NotAllowed` for everybody else."""
    if who.role is not Role.ADMIN:
        raise NotAllowed("This is for the operator of the campus.")
    return who


async def require_standing(parts: Parts, who: Acting) -> None:
    """Look the account up where nothing else of a request would; raises `NotAuthenticated` for one that was closed."""
    async with parts.db.acting(who):
        pass


StudentDep = Annotated[Acting, Depends(acting_student)]
StaffDep = Annotated[Acting, Depends(acting_staff)]
OperatorDep = Annotated[Acting, Depends(acting_operator)]
