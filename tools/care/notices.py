"""What a notice is: which case, how urgent, where to look. It carries nobody's name and no words of a student."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml

from core.ids import CaseId, InstitutionId
from safety.policy import Tier

_FILE = Path(__file__).parent / "notices.yaml"


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice as every channel gets it."""

    delivery: UUID
    case: CaseId
    institution: InstitutionId
    tier: Tier
    rung: str
    reason: str
    committed_at: datetime
    link: str
    confidential: bool = False
    """It must not even say that it is about a case."""
    test: bool = False

    @property
    def kind(self) -> str:
        """Which of the texts is used."""
        if self.test:
            return "test"
        if self.confidential:
            return "discreet"
        if self.rung in ("colleague", "direct"):
            return self.rung
        return "page" if self.tier.pages else "later"

    @property
    def subject(self) -> str:
        """Subject of a mail."""
        return str(texts()["subject"][self.kind])

    @property
    def body(self) -> str:
        """Body of a mail."""
        return str(texts()["body"][self.kind]).format(link=self.link)

    @property
    def sms(self) -> str:
        """A text message."""
        return str(texts()["sms"][self.kind]).format(link=self.link)

    def payload(self) -> dict[str, Any]:
        """Body of a webhook."""
        return {
            "type": "test" if self.test else "escalation",
            "id": str(self.delivery),
            "institution": str(self.institution),
            "tier": self.tier.value,
            "rung": self.rung,
            "committed_at": self.committed_at.isoformat(),
            "link": self.link,
        }


@cache
def texts() -> dict[str, Any]:
    """The packaged texts of notices and alarms."""
    data: dict[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return data


def case_link(public_url: str, case: CaseId) -> str:
    """Address of a case on the counselor's page; opening it needs a sign-in."""
    return f"{public_url.rstrip('/')}/console/cases/{case}"
