"""What a client may say of how its words came about."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from api.routes.conversations import TurnIn
from safety.triage.facts import InputKind

BODY = {"text": "I am going to kill myself", "input": "voice_unconfirmed"}


class Believing(BaseModel):
    """The seeded bug: the client is believed."""

    text: str
    input: InputKind = InputKind.TEXT


def check(model: type[TurnIn | Believing]) -> None:
    assert model.model_validate(BODY).input is InputKind.TEXT
    assert model.model_validate(BODY | {"input": "voice"}).input is InputKind.VOICE
    assert InputKind.VOICE_UNCONFIRMED not in str(model.model_json_schema())


def test_a_client_cannot_make_its_words_unheard() -> None:
    check(TurnIn)


def test_a_client_that_is_believed_is_noticed() -> None:
    with pytest.raises(AssertionError):
        check(Believing)
