"""Follows a list to its end, and only on the campus's own Canvas."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx

from tools.academic.canvas.failures import ForeignAddress, Incomplete

API = "/api/v1/"


def next_page(response: httpx.Response, base_url: str) -> str | None:
    """Return the address of the next page; None at the end of the list.

    Canvas sends `Link` with every page of a list. One that lacks it may have lost the way to the rest, and what is
    absent from a list is deleted here, so it raises `Incomplete`. `ForeignAddress` for another host, port or scheme.
    """
    links = response.links
    if not links:
        raise Incomplete("no_link")
    address = links.get("next", {}).get("url")
    if address is None:
        return None
    ours, theirs = urlsplit(base_url), urlsplit(address)
    if (theirs.scheme, theirs.netloc) != (ours.scheme, ours.netloc) or not theirs.path.startswith(API):
        raise ForeignAddress("next_page")
    return address
