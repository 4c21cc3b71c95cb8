"""What is left to intake while the database is down, over a test's own home folder."""

from __future__ import annotations

import httpx

from conversations.cut_off import CutOff
from conversations.spool import Spool
from core.clock import Clock
from core.sealed_box import SealingKey
from core.settings import Settings
from tools.care.channels import open_channels
from tools.care.contacts import Contacts
from tools.care.direct import DirectCall


def make_cut_off(settings: Settings, clock: Clock, http: httpx.AsyncClient, contacts: Contacts | None = None) -> CutOff:
    """Assemble it as the API does."""
    known = contacts or Contacts(settings.home)
    direct = DirectCall(known, open_channels(settings, http), settings.public_url, clock)
    key = SealingKey.from_setting(settings.spool_public_key.get_secret_value(), "spool_public_key")
    return CutOff(Spool(settings.home), key, known, direct, clock)
