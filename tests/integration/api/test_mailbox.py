"""Accounts over HTTP with a real mail server: what is mailed, and that no answer tells who has an account."""

from __future__ import annotations

import asyncio
import queue
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message

import httpx
import psycopg
import pyotp
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import SecretStr

from cli.campus import add_staff, create_campus
from db.access import Role
from db.embedded import EmbeddedPostgres, EmbeddedRedis, clone_database, drop_database
from embedding.onnx import OnnxEmbedder
from tests.conftest import PASSWORD, TEMPLATE, settings_over
from tests.site import Site, free_port

NEW_PASSWORD = "another horse battery"


class Mailbox:
    """A mail server's other side."""

    def __init__(self) -> None:
        self.mails: queue.Queue[Message] = queue.Queue()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.mails.put(message_from_bytes(envelope.original_content or b""))
        return "250 OK"

    def next(self) -> tuple[str, str, str]:
        """Recipient, subject and text of the next mail."""
        mail = self.mails.get(timeout=30)
        payload = mail.get_payload(decode=True)
        assert isinstance(payload, bytes)
        return str(mail["To"]), str(mail["Subject"]), payload.decode()


@pytest.fixture(scope="module")
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box, port = Mailbox(), free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


@pytest.fixture(scope="module")
def mailing(
    postgres: EmbeddedPostgres, redis: EmbeddedRedis, secrets: dict[str, str], encoder: OnnxEmbedder,
    mailbox: tuple[Mailbox, int], tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:  # fmt: skip
    """A service that can send mail."""
    name = "mailing"
    clone_database(postgres, TEMPLATE, name)
    over = settings_over(postgres, redis, secrets, name)
    over = over.model_copy(update={"smtp_url": SecretStr(f"smtp://127.0.0.1:{mailbox[1]}")})
    create_campus(over, "hill", "Hill", region="US", time_zone="America/Denver", rules={})
    add_staff(over, "hill", "rosa@hill.example", "Rosa", Role.COUNSELOR, PASSWORD)
    site = Site(over, [], log=tmp_path_factory.mktemp("mailing") / "site.log")
    site.start(worker=False)
    yield site
    site.stop()
    drop_database(postgres, name)


@pytest.fixture
def http(mailing: Site) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{mailing.address}/api/v1/auth", timeout=60) as client:
        yield client


def account(name: str, password: str = PASSWORD) -> dict[str, str]:
    return {"email": f"{name}@hill.example", "password": password, "name": name}


def token_in(text: str) -> str:
    found = re.search(r"token=([\w-]+)", text)
    assert found is not None, text
    return found[1]


def sign_in(http: httpx.Client, name: str, password: str = PASSWORD) -> httpx.Response:
    return http.post("/login", json={"email": f"{name}@hill.example", "password": password})


def joined(http: httpx.Client, box: Mailbox, name: str) -> None:
    http.post("/register", json=account(name)).raise_for_status()
    http.get("/verify-email", params={"token": token_in(box.next()[2])}).raise_for_status()


def test_an_account_opens_by_its_mailed_link(http: httpx.Client, mailbox: tuple[Mailbox, int]) -> None:
    box = mailbox[0]
    assert http.post("/register", json=account("noor")).status_code == 202
    to, subject, text = box.next()
    assert (to, subject) == ("noor@hill.example", "Confirm your e-mail for Companion")
    assert sign_in(http, "noor").status_code == 401
    for _ in range(2):
        assert http.get("/verify-email", params={"token": token_in(text)}).status_code == 200
    assert sign_in(http, "noor").status_code == 200
    assert http.get("/verify-email", params={"token": "x" * 43}).status_code == 401
    browser = http.get("/verify-email", params={"token": "x" * 43}, headers={"accept": "text/html"})
    assert (browser.status_code, browser.headers["location"]) == (303, "/sign-in?mail=ran-out")


def test_registering_a_known_address_looks_the_same_and_changes_nothing(
    http: httpx.Client, mailbox: tuple[Mailbox, int]
) -> None:
    box = mailbox[0]
    joined(http, box, "lena")
    known = http.post("/register", json=account("lena", NEW_PASSWORD))
    assert box.next()[1] == "You already have a Companion account"
    unknown = http.post("/register", json=account("nobody-yet"))
    box.next()
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
    assert sign_in(http, "lena", NEW_PASSWORD).status_code == 401
    assert sign_in(http, "lena").status_code == 200


def test_who_confirms_an_address_has_their_own_password_in_it(http: httpx.Client, mailbox: tuple[Mailbox, int]) -> None:
    box = mailbox[0]
    http.post("/register", json=account("omar", "the squatter's password"))
    early = token_in(box.next()[2])
    http.post("/register", json=account("omar"))
    link = token_in(box.next()[2])
    assert http.get("/verify-email", params={"token": early}).status_code == 401
    assert http.get("/verify-email", params={"token": link}).status_code == 200
    assert sign_in(http, "omar", "the squatter's password").status_code == 401
    assert sign_in(http, "omar").status_code == 200


def test_a_new_password_by_mail_signs_every_device_out(http: httpx.Client, mailbox: tuple[Mailbox, int]) -> None:
    box = mailbox[0]
    joined(http, box, "ada")
    before = sign_in(http, "ada").json()
    known = http.post("/forgot-password", json={"email": "Ada@hill.example"})
    unknown = http.post("/forgot-password", json={"email": "no-one@hill.example"})
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json()) == (202, known.json())
    to, _, text = box.next()
    assert to == "ada@hill.example"
    body = {"token": token_in(text), "password": NEW_PASSWORD}
    assert http.post("/reset-password", json=body | {"password": "short"}).status_code == 422
    assert http.post("/reset-password", json=body).status_code == 200
    assert box.next()[1] == "Your Companion password was changed"
    assert http.post("/reset-password", json=body).status_code == 401
    assert sign_in(http, "ada").status_code == 401
    assert sign_in(http, "ada", NEW_PASSWORD).status_code == 200
    assert http.post("/refresh", json={"refresh_token": before["refresh_token"]}).status_code == 401
    assert box.mails.empty(), "an unknown address was mailed"


def test_a_mailbox_is_not_flooded(http: httpx.Client, mailbox: tuple[Mailbox, int]) -> None:
    box = mailbox[0]
    joined(http, box, "kai")
    for _ in range(8):
        assert http.post("/forgot-password", json={"email": "kai@hill.example"}).status_code == 202
    for _ in range(4):  # The first of five letters confirmed the address.
        assert box.next()[0] == "kai@hill.example"
    joined(http, box, "last")
    assert box.mails.empty()


def test_a_counselor_sets_up_a_second_step_over_http(http: httpx.Client, mailing: Site) -> None:
    first = sign_in(http, "rosa")
    assert (first.status_code, first.json()["step"]) == (202, "set_up") and "access_token" not in first.text
    ticket = first.json()["ticket"]
    secret = http.post("/totp/enrol", json={"ticket": ticket}).json()["secret"]
    assert http.post("/totp/confirm", json={"ticket": ticket, "code": "000"}).status_code == 401
    made = http.post("/totp/confirm", json={"ticket": ticket, "code": pyotp.TOTP(secret).now()})
    assert made.status_code == 200 and made.json()["tokens"]["role"] == "counselor"
    again = sign_in(http, "rosa").json()
    assert again["step"] == "code"
    codes = made.json()["recovery_codes"]
    signed_in = http.post("/login/code", json={"ticket": again["ticket"], "code": codes[0]})
    bearer = {"authorization": f"Bearer {signed_in.json()['access_token']}"}
    assert httpx.get(f"{mailing.address}/api/v1/care/queue", headers=bearer).status_code == 200
    proof = {"password": PASSWORD, "code": codes[1]}
    assert http.post("/totp/disable", json=proof, headers=bearer).status_code == 403


def test_the_pages_lead_through_both_mails_and_the_second_step(mailing: Site, mailbox: tuple[Mailbox, int]) -> None:
    box = mailbox[0]
    add_staff(mailing.settings, "hill", "sam@hill.example", "Sam", Role.COUNSELOR, PASSWORD)
    headers = {"accept": "text/html", "sec-fetch-site": "same-origin"}
    with httpx.Client(base_url=mailing.address, timeout=60, headers=headers) as browser:
        form = {"email": "sam@hill.example", "password": PASSWORD}
        page = browser.post("/sign-in", data=form)
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
        wrong = browser.post("/sign-in/set-up", data=fields | {"code": "1"})
        assert wrong.status_code == 401 and fields["secret"] in wrong.text
        done = browser.post("/sign-in/set-up", data=fields | {"code": pyotp.TOTP(fields["secret"]).now()})
        [*codes] = re.findall(r"<code>([A-Z2-9-]{19})</code>", done.text)
        assert len(codes) == 10 and browser.get("/console").status_code == 200
        browser.cookies.clear()
        ticket = dict(re.findall(r'name="(\w+)" value="([^"]*)"', browser.post("/sign-in", data=form).text))
        assert browser.post("/sign-in/code", data=ticket | {"code": codes[0]}).headers["location"] == "/console"
        browser.cookies.clear()
        assert browser.get("/forgot-password").status_code == 200
        assert browser.post("/forgot-password", data={"email": "sam@hill.example"}).status_code == 202
        token = token_in(box.next()[2])
        assert token in browser.get("/reset-password", params={"token": token}).text
        changed = browser.post("/reset-password", data={"token": token, "password": NEW_PASSWORD})
        assert changed.headers["location"] == "/sign-in?mail=changed"
        assert "Your password is changed" in browser.get(changed.headers["location"]).text
        box.next()


def test_without_a_mail_server_letters_are_kept_in_the_outbox_and_in_production_nowhere(
    postgres: EmbeddedPostgres, redis: EmbeddedRedis, secrets: dict[str, str]
) -> None:
    from core.crypto import KeyRing  # noqa: PLC0415
    from core.settings import Environment, Settings  # noqa: PLC0415
    from db.access import Database  # noqa: PLC0415
    from tools.people.mailing import Postbox  # noqa: PLC0415

    name = "no_mail"
    clone_database(postgres, TEMPLATE, name)
    over = settings_over(postgres, redis, secrets, name)
    create_campus(over, "hill", "Hill", region="US", time_zone="UTC", rules={})

    async def send(settings: Settings) -> None:
        keys = KeyRing.from_setting(settings.master_key.get_secret_value())
        auth = Database(settings.auth_dsn.get_secret_value(), keys, size=1)
        await auth.open()
        async with auth.connection() as conn:
            row = await (await conn.execute("select id from institutions")).fetchone()
        assert row is not None
        await Postbox(auth, settings).send("reset_password", row[0], "a@hill.example", link="LINK")
        await auth.close()

    asyncio.run(send(over))
    asyncio.run(send(over.model_copy(update={"environment": Environment.PRODUCTION})))
    with psycopg.connect(over.owner_dsn.get_secret_value()) as owner:
        kept = owner.execute("select recipient, body like '%LINK%' from outbox").fetchall()
    drop_database(postgres, name)
    assert kept == [("a@hill.example", True)]
