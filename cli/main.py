"""The `companion` command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from cli.console import err, out
from core.errors import CompanionError, InvalidInput
from core.settings import load_settings

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
evals_app = typer.Typer(no_args_is_help=True, help="Offline evals; no network, no key.")
app.add_typer(evals_app, name="eval")
bench_app = typer.Typer(no_args_is_help=True, help="Speed, measured here and now.")
app.add_typer(bench_app, name="bench")
campus_app = typer.Typer(no_args_is_help=True, help="Campuses and their staff.")
app.add_typer(campus_app, name="campus")
keys_app = typer.Typer(no_args_is_help=True, help="The master keys that wrap every student's own key.")
app.add_typer(keys_app, name="keys")
instruments_app = typer.Typer(no_args_is_help=True, help="The wording of questionnaires.")
app.add_typer(instruments_app, name="instruments")
care_app = typer.Typer(no_args_is_help=True, help="What care gives to those who keep the service.")
app.add_typer(care_app, name="care")


def _fail(error: CompanionError) -> NoReturn:
    err.print(f"[red]{error.message}[/]")
    raise typer.Exit(1)


@app.command()
def up(demo: Annotated[bool, typer.Option(help="Create and show the demo campus")] = True) -> None:
    """Start everything on this machine and print the address. Ctrl-C stops it; the data stays."""
    from cli.up import up as run  # noqa: PLC0415  # a command loads only what it needs

    try:
        run(load_settings(), demo=demo)
    except CompanionError as error:
        _fail(error)


@app.command()
def serve() -> None:
    """Serve the API and the pages (production: behind a proxy)."""
    from cli.serve import serve as run  # noqa: PLC0415

    try:
        run(load_settings())
    except CompanionError as error:
        _fail(error)


@instruments_app.command("import")
def import_instrument(
    instrument: Annotated[str, typer.Argument(help="phq9, phq2, gad7, gad2 or who5")],
    questionnaire: Annotated[
        Path, typer.Argument(help="The licensed or official text, a FHIR R4 Questionnaire in JSON")
    ],
    campus: Annotated[str, typer.Option(help="Short name of the campus")],
) -> None:
    """Show a questionnaire in the institution's own licensed or official words. Scores stay as they are."""
    from cli.instruments import load  # noqa: PLC0415

    try:
        source = load(load_settings(), campus, instrument, questionnaire)
    except CompanionError as error:
        _fail(error)
    out.print(f"{instrument} is shown in the words of: {source}")


@app.command()
def worker() -> None:
    """Run the jobs: deliveries, check-ins, retention."""
    from cli.worker import work  # noqa: PLC0415

    try:
        work(load_settings())
    except CompanionError as error:
        _fail(error)


@app.command()
def migrate() -> None:
    """Bring the database to the current schema, as the owner role."""
    from db.migrate import migrate as run  # noqa: PLC0415

    run(load_settings().owner_dsn.get_secret_value())
    out.print("The schema is current.")


@app.command()
def secrets() -> None:
    """Print fresh secrets as an env file."""
    from cli.secrets import as_env, generate  # noqa: PLC0415

    typer.echo(as_env(generate()), nl=False)


@app.command("settings")
def settings_() -> None:
    """Print the table of settings."""
    from cli.settings_table import settings_table  # noqa: PLC0415

    typer.echo(settings_table())


@app.command()
def openapi() -> None:
    """Print the API document."""
    import orjson  # noqa: PLC0415

    from api.app import create_app  # noqa: PLC0415

    typer.echo(orjson.dumps(create_app(load_settings()).openapi(), option=orjson.OPT_INDENT_2).decode())


@app.command()
def doctor(only: Annotated[str | None, typer.Option(help="One part, by its name")] = None) -> None:
    """Check every part and say how to repair what fails."""
    from cli.doctor import examine  # noqa: PLC0415

    try:
        raise typer.Exit(0 if examine(load_settings(), only) else 1)
    except CompanionError as error:
        _fail(error)


@app.command("export-encoder")
def export_encoder() -> None:
    """Export the encoder into the home folder, once; `up` does it by itself."""
    from cli.console import note  # noqa: PLC0415
    from embedding.export import export_encoder as run  # noqa: PLC0415

    try:
        run(load_settings().home, note)
    except CompanionError as error:
        _fail(error)


@app.command()
def ingest(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of Markdown articles; default: the packaged ones")
    ] = None,
) -> None:
    """Bring the shared knowledge up to date; unchanged articles are left alone."""
    import asyncio  # noqa: PLC0415

    from cli.stack import ARTICLES, ingest_articles  # noqa: PLC0415

    try:
        asyncio.run(ingest_articles(load_settings(), folder or ARTICLES))
    except CompanionError as error:
        _fail(error)


@app.command()
def chat(
    address: Annotated[str | None, typer.Option(help="Address of the service; default: the running one")] = None,
    email: Annotated[str, typer.Option(help="Who signs in")] = "maya@demo.example",
) -> None:
    """Chat in the terminal, with streaming, tools, citations and the crisis panel."""
    from cli.chat import talk  # noqa: PLC0415

    try:
        talk(load_settings(), address, email)
    except CompanionError as error:
        _fail(error)


@app.command()
def yearly(
    year: Annotated[int, typer.Argument(help="Calendar year, in each campus's own time zone")],
    campus: Annotated[str | None, typer.Option(help="One campus, by its short name; default: all")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON")] = False,
) -> None:
    """Print a year's counts without persons, as some laws ask for (needs COMPANION_OWNER_DSN)."""
    from cli.yearly import yearly as run  # noqa: PLC0415

    try:
        run(load_settings(), year, campus, as_json=as_json)
    except CompanionError as error:
        _fail(error)


@evals_app.command("safety")
def eval_safety(
    data: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="JSONL: id, text or turns, crisis, …")],
    as_json: Annotated[bool, typer.Option("--json", help="One line a row")] = False,
) -> None:
    """Score crisis detection on any labelled JSONL; needs no database."""
    from cli.evaluate import safety  # noqa: PLC0415

    raise typer.Exit(safety(data, as_json=as_json))


@bench_app.command("screening")
def bench_screening() -> None:
    """Time screening on one core, by length of message; needs no database."""
    from evals.screening_time import measure  # noqa: PLC0415

    out.print("tokens  turn           p50 ms  p95 ms")
    for row in measure():
        out.print(f"{row.tokens:6}  {'second' if row.in_conversation else 'first':12} {row.p50:8.1f}{row.p95:8.1f}")


@evals_app.command("review")
def eval_review(as_json: Annotated[bool, typer.Option("--json", help="One line a set")] = False) -> None:
    """Measure the review of replies and passages on its own sentences and on every article."""
    from evals.review import run  # noqa: PLC0415

    run(as_json=as_json)


@campus_app.command("create")
def campus_create(
    slug: Annotated[str, typer.Argument(help="Short name, used at sign-in")],
    name: Annotated[str, typer.Argument(help="Full name")],
    time_zone: Annotated[str, typer.Option(help="IANA time zone, for example America/Denver")],
    escalation_email: Annotated[str, typer.Option(help="Where cases are announced when nobody is on call")],
    region: Annotated[str, typer.Option(help="Country or state, such as US or US-CA: its law applies")] = "US",
    staffed: Annotated[
        bool, typer.Option(help="Somebody answers at every hour; otherwise students are told that nobody does")
    ] = False,
) -> None:
    """Create a campus (needs COMPANION_OWNER_DSN)."""
    from cli.campus import create_campus  # noqa: PLC0415

    rules: dict[str, Any] = {"escalation_email": escalation_email} | ({"staffing": "always"} if staffed else {})
    try:
        create_campus(load_settings(), slug, name, region=region, time_zone=time_zone, rules=rules)
    except CompanionError as error:
        _fail(error)
    out.print(f"Campus '{slug}' is made. Next: companion campus staff {slug} E-MAIL NAME --role counselor")


@campus_app.command("staff")
def campus_staff(
    slug: str,
    email: str,
    name: str,
    role: Annotated[str, typer.Option(help="counselor, supervisor or admin")],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)],
) -> None:
    """Create a staff account; asks for its password."""
    from cli.campus import add_staff  # noqa: PLC0415
    from db.access import Role  # noqa: PLC0415

    try:
        if role not in {"counselor", "supervisor", "admin"}:
            raise InvalidInput("The role is counselor, supervisor or admin.")
        add_staff(load_settings(), slug, email, name, Role(role), password)
    except CompanionError as error:
        _fail(error)
    out.print(f"{name} may sign in at campus '{slug}'.")


@keys_app.callback()
def keys_() -> None:
    """The master keys that wrap every student's own key."""


@keys_app.command("rotate")
def keys_rotate() -> None:
    """Wrap every key under the first of COMPANION_MASTER_KEY (needs COMPANION_OWNER_DSN); may be run again at any time.

    Put the new key before the old one, restart the service, rotate, then take the old one away.
    """
    from core.crypto import KeyRing  # noqa: PLC0415
    from tools.people.rotation import rotate  # noqa: PLC0415

    settings = load_settings()
    try:
        keys = KeyRing.from_setting(settings.master_key.get_secret_value())
    except CompanionError as error:
        _fail(error)
    found = rotate(settings.owner_dsn.get_secret_value(), keys, lambda done: out.print(f"{done} keys wrapped anew"))
    out.print(f"{found.rewrapped} keys are wrapped under {keys.current} now.")
    if found.unreadable:
        err.print(f"[red]{len(found.unreadable)} keys open with none of the master keys; keep the old ones.[/]")
        raise typer.Exit(1)


@care_app.command("export-evals")
def export_evals(
    out: Annotated[Path | None, typer.Option(dir_okay=False, help="File to write; default: print")] = None,
    campus: Annotated[str | None, typer.Option(help="One campus, by its short name; default: all")] = None,
) -> None:
    """Export misreads and misses that counselors kept, with the students' consent, as rows of `companion eval safety`."""
    from cli.care import export_evals as run  # noqa: PLC0415

    try:
        count, text = run(load_settings(), out, campus)
    except CompanionError as error:
        _fail(error)
    typer.echo(text, nl=False)
    err.print(f"{count} examples. De-identified is not anonymous for ever: keep the file where the service's data is.")


if __name__ == "__main__":
    app()
