"""A student at a browser, as far as signing in to Canvas needs one: for tests and demos."""

from urllib.parse import urlsplit

import httpx


def consent(authorise_url: str, user_id: int, deny: bool = False) -> str:
    """Open a client's authorisation address as a user, say yes (or no), and return the address it leads back to.

    Raises `httpx.HTTPStatusError` when Canvas shows an error instead of going back to the client.
    """
    parts = urlsplit(authorise_url)
    with httpx.Client(base_url=f"{parts.scheme}://{parts.netloc}") as browser:
        opened = browser.get(f"{parts.path}?{parts.query}")
        location = _location(opened)
        if not urlsplit(location).path.startswith("/login/oauth2/confirm"):
            return location
        decision = "deny" if deny else "accept"
        query = urlsplit(location).query
        return _location(browser.post(f"/login/oauth2/{decision}?{query}", data={"user_id": str(user_id)}))


def _location(response: httpx.Response) -> str:
    if response.status_code != httpx.codes.FOUND:
        response.raise_for_status()
    return response.headers["location"]
