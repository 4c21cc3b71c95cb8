"""A reply for which every wording is used up is empty, never an error."""

from typing import cast

from agents.dialogue.ledger import Ledger
from agents.dialogue.wording import Wording


def test_nothing_left_to_say_is_no_piece() -> None:
    assert Wording("seed", cast(Ledger, None)).word([]) == []
