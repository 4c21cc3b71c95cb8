"""The pages and the token endpoint of OAuth 2."""

import base64
import binascii
import html
import secrets
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Cookie, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from simulators.canvas.access import bearer_of, canvas_of
from simulators.canvas.errors import CanvasError
from simulators.canvas.oauth import Authorisation, OAuthError, RedirectedError
from simulators.canvas.settings import Canvas

SESSION = "canvas_session"
Session = Annotated[str | None, Cookie(alias=SESSION)]

router = APIRouter()

PAGE = """<!doctype html><html lang="en"><title>Authorize</title>
<h1>Let this application act for you in Canvas?</h1>
<form method="post" action="/login/oauth2/accept?{query}">
<label>You are <select name="user_id">{people}</select></label>
<button>Authorize</button> <button formaction="/login/oauth2/deny?{query}">Cancel</button>
</form></html>"""


@router.get("/login/oauth2/auth")
def authorise(request: Request, canvas_session: Session = None) -> Response:
    """Check the request, then ask for consent unless it is known already."""
    canvas = canvas_of(request)
    parameters = request.query_params
    asked = _asked(canvas, parameters)
    if isinstance(asked, Response):
        return asked
    user_id = _signed_in(canvas, canvas_session)
    known = user_id is not None and parameters.get("force_login") != "1"
    if known and user_id is not None and canvas.oauth.may_skip_consent(asked, user_id):
        return _found(asked.back(code=canvas.oauth.grant(asked, user_id)))
    if parameters.get("prompt") == "none":
        return _found(asked.back(error="interaction_required" if known else "login_required"))
    return _found(f"/login/oauth2/confirm?{urlencode(list(parameters.multi_items()))}")


@router.get("/login/oauth2/confirm")
def confirm(request: Request, canvas_session: Session = None) -> Response:
    """Show who may be signed in and what they are asked."""
    canvas = canvas_of(request)
    chosen = request.query_params.get("unique_id")
    user_id = _signed_in(canvas, canvas_session)
    people = "".join(
        f'<option value="{user.id}"{" selected" if user.login_id == chosen or user.id == user_id else ""}>'
        f"{html.escape(user.name)}</option>"
        for user in canvas.world.rows("users")
    )
    return HTMLResponse(PAGE.format(query=html.escape(str(request.query_params)), people=people))


@router.post("/login/oauth2/accept")
async def accept(request: Request) -> Response:
    """Sign the chosen person in and send the browser back with a code."""
    canvas = canvas_of(request)
    asked = _asked(canvas, request.query_params)
    if isinstance(asked, Response):
        return asked
    chosen = (await _form(request)).get("user_id", "")
    user = canvas.world.user(int(chosen)) if chosen.isdecimal() else None
    if user is None:
        raise CanvasError(400, {"message": "unknown user"})
    response = _found(asked.back(code=canvas.oauth.grant(asked, user.id)))
    session = secrets.token_hex(16)
    canvas.sessions[session] = user.id
    response.set_cookie(SESSION, session, httponly=True, samesite="lax")
    return response


@router.post("/login/oauth2/deny")
def deny(request: Request) -> Response:
    """Send the browser back with the user's no."""
    asked = _asked(canvas_of(request), request.query_params)
    if isinstance(asked, Response):
        return asked
    description = "The resource owner or authorization server denied the request."
    return _found(asked.back(error="access_denied", error_description=description))


@router.post("/login/oauth2/token")
async def token(request: Request) -> Response:
    """Exchange a code or a refresh token. Unless it is switched off, an error goes to the `redirect_uri` as a 302."""
    canvas = canvas_of(request)
    behaviour = canvas.control.behaviour
    request.state.cost += behaviour.throttle.token_request
    form = await _form(request)
    try:
        return JSONResponse(canvas.oauth.answer_token_request(form, _basic(request)))
    except OAuthError as error:
        if "redirect_uri" in form and not behaviour.no_redirect_on_oauth_token_method:
            query = urlencode({"error": error.error, "error_description": error.description})
            return _found(f"{form['redirect_uri']}?{query}")
        raise


@router.delete("/login/oauth2/token")
def revoke(request: Request, expire_sessions: str = "0") -> Response:
    """Delete the token that the request carries."""
    canvas = canvas_of(request)
    presented = bearer_of(request)
    if presented is None:
        message = "can't delete OAuth access token when not using an OAuth access token"
        raise CanvasError(400, {"message": message})
    canvas.oauth.tokens.authenticate(presented)
    canvas.oauth.tokens.forget(lambda row: row.access == presented)
    return JSONResponse({"forward_url": f"{request.base_url}login"} if expire_sessions == "1" else {})


def _asked(canvas: Canvas, parameters: Mapping[str, str]) -> Authorisation | Response:
    try:
        return canvas.oauth.authorisation(parameters)
    except RedirectedError as error:
        return _found(error.location)


def _signed_in(canvas: Canvas, session: str | None) -> int | None:
    return canvas.sessions.get(session) if session else None


def _found(location: str) -> Response:
    return RedirectResponse(location, 302)


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode(errors="replace")))


def _basic(request: Request) -> tuple[str, str] | None:
    kind, _, encoded = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret
