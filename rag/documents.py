"""A document of the knowledge base: Markdown, with YAML front matter where somebody curated it."""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from rag.errors import InvalidDocument

_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_FIRST_HEADING = re.compile(r"^#[ \t]+(.+?)[ \t#]*$", re.MULTILINE)


class Status(StrEnum):
    """How far people have looked at a document; only `reviewed` was signed by somebody."""

    DRAFT = "draft"
    REVIEWED = "reviewed"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Question(_Strict):
    """A question in a student's words, and the heading of the section that answers it."""

    ask: str
    section: str


class Source(_Strict):
    """A work a document leans on, and whether the author opened it."""

    title: str
    author: str | None = None
    year: int | str | None = None
    url: str | None = None
    doi: str | None = None
    isbn: str | None = None
    opened: bool = False
    used_for: str | None = None


class _FrontMatter(BaseModel):
    """Fields an author may set; an institution's own fields beside them are left alone."""

    title: str | None = None
    slug: str | None = None
    topics: tuple[str, ...] = ()
    skill: str | None = None
    approach: str | None = None
    audience: tuple[str, ...] = ("all",)
    cautions: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    language: str = "en"
    status: Status = Status.DRAFT
    reviewed_by: str | None = None
    reviewed_on: date | None = None
    version: int = 1
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """One document as it was written; offsets elsewhere count characters of `body`."""

    slug: str
    title: str
    body: str
    """Markdown without the front matter."""
    digest: str
    """SHA-256 of the whole text, front matter included."""
    topics: tuple[str, ...] = ()
    skill: str | None = None
    approach: str | None = None
    audience: tuple[str, ...] = ("all",)
    cautions: tuple[str, ...] = ()
    """Conditions in which the document may harm."""
    questions: tuple[Question, ...] = ()
    language: str = "en"
    status: Status = Status.DRAFT
    reviewed_by: str | None = None
    version: int = 1
    sources: tuple[Source, ...] = field(default=())


def slugify(text: str) -> str:
    """A name for addresses: lower case letters and digits of any script, joined by hyphens."""
    words = re.findall(r"\w+", text.lower().replace("'", "").replace("’", ""))
    return "-".join(words).replace("_", "-") or "section"


def parse_document(text: str, name: str) -> Document:
    """Read a document from its text; `name` is its file name without suffix and stands in for a missing slug or title.

    Raises `InvalidDocument` that says what is wrong and where.
    """
    if "\x00" in text:
        raise InvalidDocument(f"{name}: this is not text.")
    match = _FRONT_MATTER.match(text)
    fields = _front_matter(match.group(1), name) if match else _FrontMatter()
    body = text[match.end() :] if match else text
    if not body.strip():
        raise InvalidDocument(f"{name}: there is no text below the front matter.")
    if fields.status is Status.REVIEWED and not fields.reviewed_by:
        raise InvalidDocument(f"{name}: status is reviewed, but reviewed_by names nobody.")
    heading = _FIRST_HEADING.search(body)
    return Document(
        slug=slugify(fields.slug or name),
        title=fields.title or (heading.group(1) if heading else name.replace("-", " ").replace("_", " ")),
        body=body,
        digest=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        topics=fields.topics,
        skill=fields.skill,
        approach=fields.approach,
        audience=fields.audience,
        cautions=fields.cautions,
        questions=fields.questions,
        language=fields.language,
        status=fields.status,
        reviewed_by=fields.reviewed_by,
        version=fields.version,
        sources=fields.sources,
    )


def read_documents(folder: Path) -> list[Document]:
    """Read every `.md` file of a folder, in order of path.

    Raises `InvalidDocument` for a file that is not UTF-8, is malformed, or repeats a slug.
    """
    documents: dict[str, Document] = {}
    for path in sorted(folder.rglob("*.md")):
        try:
            document = parse_document(path.read_text(encoding="utf-8"), path.stem)
        except UnicodeDecodeError as error:
            raise InvalidDocument(f"{path.name}: this is not UTF-8 text.") from error
        if document.slug in documents:
            raise InvalidDocument(f"{path.name}: another document has the slug {document.slug}.")
        documents[document.slug] = document
    return list(documents.values())


def _front_matter(text: str, name: str) -> _FrontMatter:
    try:
        fields = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise InvalidDocument(f"{name}: the front matter is not valid YAML: {error}") from error
    if not isinstance(fields, dict):
        raise InvalidDocument(f"{name}: the front matter is not a list of fields.")
    try:
        return _FrontMatter.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InvalidDocument(f"{name}: front matter field {place}: {first['msg']}.") from error
