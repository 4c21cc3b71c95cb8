"""Pages: numbered ones, and bookmark ones whose next address only the server understands."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from starlette.datastructures import URL

from simulators.canvas.errors import not_found

DEFAULT_PER_PAGE = 10
MAX_PER_PAGE = 100
MAX_LINK_BYTES = 6 * 1024
RELATIONS = ("current", "next", "prev", "first", "last")
# When the header grows too long, links are kept in this order for as long as they fit.
KEPT_FIRST = ("next", "last", "prev", "current", "first")
NEVER_REPEATED = ("page", "per_page", "access_token", "api_key")

Item = TypeVar("Item")


@dataclass(frozen=True)
class Page:
    """The rows of one page and its `Link` header."""

    rows: list[Any]
    link: str


@dataclass(frozen=True)
class Asked:
    """The page a client asks for, and the address it asks at."""

    url: URL
    parameters: Sequence[tuple[str, str]]

    @property
    def page(self) -> str | None:
        return dict(self.parameters).get("page")

    @property
    def per_page(self) -> int:
        """Rows a page; what is not a number is the default, more than the most is the most."""
        asked = dict(self.parameters).get("per_page", "")
        return min(int(asked), MAX_PER_PAGE) if asked.isdecimal() and int(asked) > 0 else DEFAULT_PER_PAGE

    def link_to(self, page: str) -> str:
        kept = [(name, value) for name, value in self.parameters if name not in NEVER_REPEATED]
        query = urlencode([*kept, ("page", page), ("per_page", str(self.per_page))])
        return f"{self.url.replace(query='').scheme}://{self.url.netloc}{self.url.path}?{query}"


def numbered(asked: Asked, rows: Sequence[Item], render: Callable[[Item], Any]) -> Page:
    """Page by number. Beyond the end there is an empty page."""
    number = int(asked.page) if asked.page and asked.page.isdecimal() and int(asked.page) > 0 else 1
    last = max(1, -(-len(rows) // asked.per_page))
    start = (number - 1) * asked.per_page
    pages = {"current": number, "first": 1, "last": last}
    if number < last:
        pages["next"] = number + 1
    if number > 1:
        pages["prev"] = number - 1
    shown = [render(row) for row in rows[start : start + asked.per_page]]
    return Page(shown, _header({relation: asked.link_to(str(page)) for relation, page in pages.items()}))


def bookmarked(
    asked: Asked,
    rows: Sequence[Item],
    key: Callable[[Item], Any],
    render: Callable[[Item], Any],
    descending: bool = False,
) -> Page:
    """Page by the key of the last row seen, so that rows that come and go between pages do no harm.

    `rows` are in the order of `key`, which is JSON. There is no last page. Raises a 404 on a bookmark of another make.
    """
    after = _bookmark(asked.page)
    remaining = [row for row in rows if after is None or _is_after(key(row), after, descending)]
    shown = remaining[: asked.per_page]
    links = {"current": asked.link_to(asked.page or "first"), "first": asked.link_to("first")}
    if len(remaining) > len(shown):
        links["next"] = asked.link_to(f"bookmark:{encode_bookmark(key(shown[-1]))}")
    return Page([render(row) for row in shown], _header(links))


def encode_bookmark(key: Any) -> str:
    packed = json.dumps(key, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def _bookmark(page: str | None) -> Any:
    if page is None or page == "first":
        return None
    kind, _, encoded = page.partition(":")
    try:
        if kind != "bookmark":
            raise ValueError("not a bookmark")
        return json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (ValueError, binascii.Error) as error:
        raise not_found() from error


def _is_after(key: Any, bookmark: Any, descending: bool) -> bool:
    try:
        return bool(key < bookmark if descending else key > bookmark)
    except TypeError as error:
        raise not_found() from error


def _header(links: dict[str, str]) -> str:
    written = {relation: f'<{links[relation]}>; rel="{relation}"' for relation in RELATIONS if relation in links}
    size = 0
    for relation in KEPT_FIRST:
        size += len(written.get(relation, "")) + 1
        if size > MAX_LINK_BYTES:
            written.pop(relation, None)
    return ",".join(written.values())
