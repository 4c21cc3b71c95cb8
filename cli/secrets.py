"""Fresh secrets, for development files and for production's environment."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from core.crypto import new_key
from core.sealed_box import new_pair


def generate() -> dict[str, str]:
    """Return a value for every secret setting."""
    key = generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    spool_public, spool_private = new_pair()
    return {
        "COMPANION_MASTER_KEY": base64.b64encode(new_key()).decode(),
        "COMPANION_INDEX_KEY": base64.b64encode(new_key()).decode(),
        "COMPANION_SPOOL_PUBLIC_KEY": spool_public,
        "COMPANION_SPOOL_PRIVATE_KEY": spool_private,
        "COMPANION_WEBHOOK_SECRET": secrets.token_urlsafe(32),
        "COMPANION_TOKEN_PRIVATE_KEY": pem,
    }


def as_env(values: dict[str, str]) -> str:
    """Write values as an env file; multi-line values are quoted."""
    return "".join(f'{name}="{value.strip()}"\n' for name, value in values.items())


def ensure_file(path: Path) -> bool:
    """Generate the development secrets that are missing; True when some were made now. Readable by their owner alone.

    Secrets that are there stay as they are: an older home folder gets what a newer version needs beside them.
    """
    there = path.read_text() if path.exists() else ""
    fresh = generate() | {"COMPANION_DEMO_PASSWORD": secrets.token_urlsafe(9)}
    if "COMPANION_SPOOL_PUBLIC_KEY=" in there or "COMPANION_SPOOL_PRIVATE_KEY=" in there:
        fresh = {name: value for name, value in fresh.items() if "_SPOOL_" not in name}  # The two are a pair.
    missing = {name: value for name, value in fresh.items() if f"{name}=" not in there}
    if missing:
        write_private(path, there + as_env(missing))
    return bool(missing)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
