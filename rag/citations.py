"""How a passage is named and where its section opens."""


def label(title: str, heading_path: tuple[str, ...]) -> str:
    """The name a student sees: document, then section, as in `Starting when you can't start · The ten-minute rule`."""
    heading = heading_path[-1] if heading_path else title
    return title if heading == title else f"{title} · {heading}"


def anchor(slug: str, section: str) -> str:
    """The stable name of a section, kept with a reply."""
    return f"{slug}#{section}"


def href(anchor: str) -> str:
    """Where the library opens a section, as a path on this service."""
    return f"/library/{anchor}"
