"""Settings: the only reader of the environment.

Every setting is an environment variable with the prefix `COMPANION_`. Secrets have no defaults: in development
`companion up` generates them into the home folder, in production a missing one stops start-up with a message.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import ConfigurationError


class Environment(StrEnum):
    """Where the service runs; production refuses what development forgives."""

    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """Everything that can be set from outside; the README's table is generated from these fields."""

    model_config = SettingsConfigDict(env_prefix="COMPANION_", extra="ignore", populate_by_name=True)

    environment: Environment = Field(Environment.DEVELOPMENT, description="`development`, `test` or `production`")
    home: Path = Field(Path(".companion"), description="Folder for embedded servers, models, secrets and the spool")
    host: str = Field("127.0.0.1", description="Address the API listens on")
    port: int = Field(8000, ge=0, le=65535, description="Port the API listens on")
    public_url: str = Field("http://127.0.0.1:8000", description="Address that people and mails use")
    demo: bool = Field(False, description="Create and show the demo campus")

    owner_dsn: SecretStr = Field(SecretStr(""), description="PostgreSQL login of the owner role (migrations only)")
    app_dsn: SecretStr = Field(SecretStr(""), description="PostgreSQL login of the API")
    worker_dsn: SecretStr = Field(SecretStr(""), description="PostgreSQL login of the worker")
    auth_dsn: SecretStr = Field(SecretStr(""), description="PostgreSQL login for sign-in only")
    pool_size: int = Field(8, ge=1, description="Connections per pool and process")
    redis_url: SecretStr = Field(SecretStr(""), description="Redis for rate limits and fan-out; empty: local limits")

    master_key: SecretStr = Field(
        SecretStr(""),
        description="32 bytes, base64: wraps every student's key. Several, comma-separated: first is current",
    )
    index_key: SecretStr = Field(SecretStr(""), description="32 bytes, base64: blind index of e-mail addresses")
    spool_public_key: SecretStr = Field(
        SecretStr(""), description="X25519, base64: the API seals to it what comes while the database is down"
    )
    spool_private_key: SecretStr = Field(
        SecretStr(""), description="Its private half, for the worker alone. Several, comma-separated: first is current"
    )
    token_private_key: SecretStr = Field(SecretStr(""), description="PEM, RSA: signs access tokens")
    demo_password: SecretStr = Field(SecretStr(""), description="Password of every demo login; never in production")
    webhook_secret: SecretStr = Field(SecretStr(""), description="Signs webhooks and SMS requests to the institution")

    model: str = Field("embedded", description="`embedded`, or `openai:<name>` for any OpenAI-compatible endpoint")
    model_base_url: str | None = Field(None, description="Base URL of the endpoint, for example a local server")
    model_api_key: SecretStr = Field(SecretStr(""), description="Key of the endpoint")
    model_timeout_seconds: float = Field(20.0, gt=0, description="A model that is slower than this is left aside")
    second_opinion: bool = Field(
        False,
        description="The model above also reads, after the answer, what screening let pass or asked about; it can only raise",
    )
    embedder: str = Field("onnx", description="`onnx`, `sentence-transformers:<name>` or `openai:<name>`")
    embedder_base_url: str | None = Field(None, description="Base URL of the embeddings endpoint")

    smtp_url: SecretStr = Field(SecretStr(""), description="smtp://user:password@host:port; empty: local outbox")
    sms_url: str | None = Field(None, description="HTTP gateway for SMS to on-call staff")
    webhook_url: str | None = Field(None, description="The institution's webhook for escalations")
    alert_email: str | None = Field(None, description="Operator's address for alarms")
    telemetry_url: str | None = Field(
        None, description="Gets the anonymous counters by HTTP POST each minute; never delays a turn"
    )

    canvas_url: str | None = Field(None, description="The campus's Canvas, for example https://canvas.example.edu")
    canvas_client_id: str = Field("", description="Number of our developer key in Canvas")
    canvas_client_secret: SecretStr = Field(SecretStr(""), description="Secret of that key")
    canvas_app_redirect_url: str | None = Field(
        None, description="Where Canvas sends a campus app back to; the app posts the answer to `callback`"
    )
    canvas_requests_at_once: int = Field(16, ge=1, le=64, description="Requests to Canvas at once and process")
    canvas_token_requests_per_hour: int = Field(
        180, ge=1, description="Requests per process to Canvas's token endpoint, which meters addresses"
    )
    canvas_lanes: int = Field(3, ge=1, le=6, description="Students synced at once over all workers")

    unchecked_lines: Literal["label", "refuse"] = Field(
        "label", description="Lines never checked, or not for a year: `label` them, or `refuse` to show them"
    )

    access_token_minutes: int = Field(15, ge=1, description="Life of an access token")
    refresh_token_days: int = Field(30, ge=1, description="Life of a refresh token")
    turn_lease_seconds: int = Field(30, ge=2, description="After this a turn without a sign of life is taken over")
    turns_per_minute: int = Field(60, ge=1, description="Turns per student and minute, counted after screening")
    message_max_bytes: int = Field(120_000, ge=1000, description="Longest message accepted")
    log_level: str = Field(
        "INFO", description="Log level", validation_alias=AliasChoices("COMPANION_LOG_LEVEL", "log_level")
    )

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @property
    def production(self) -> bool:
        return self.environment is Environment.PRODUCTION

    def require_secrets(self, *also: str) -> None:
        """Check that every secret the service needs is present, and those that this process needs `also`.

        Raises `ConfigurationError` that names what is missing and how to set it.
        """
        everybody = (
            "app_dsn", "worker_dsn", "auth_dsn", "master_key", "index_key", "token_private_key", "webhook_secret",
        )  # fmt: skip
        needed = everybody + also
        missing = [f"COMPANION_{name.upper()}" for name in needed if not getattr(self, name).get_secret_value()]
        if missing:
            raise ConfigurationError(
                "These settings are missing: " + ", ".join(missing) + ". Set them in the environment; "
                "`companion secrets` prints fresh ones. Development: `companion up` generates them."
            )


SECRETS_FILE, RUNTIME_FILE = "secrets.env", "runtime.env"


def load_settings() -> Settings:
    """Read the settings from the environment.

    Development and tests also read what `companion up` generated into the home folder, for what the environment leaves
    open. Production never does: there every secret comes from outside.
    """
    settings = Settings()
    if settings.production:
        return settings
    return Settings(_env_file=[settings.home / SECRETS_FILE, settings.home / RUNTIME_FILE])
