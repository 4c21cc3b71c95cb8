"""Looks after the spool for as long as the worker lives."""

from __future__ import annotations

import asyncio
from functools import partial

from conversations.replay import Replayer
from conversations.screening import LazyScreener
from conversations.spool import Spool, SpoolBusy
from core.clock import SystemClock
from core.crypto import KeyRing
from core.errors import ConfigurationError, Unavailable
from core.logs import get_logger
from core.loops import keep_doing
from core.sealed_box import OpeningKeys, SealingKey
from core.settings import Settings
from db.access import Database
from db.jobs import job_app

log = get_logger("conversations.replaying")
LOOK_SECONDS = 1.0
POOL_SIZE = 2
PUBLIC, PRIVATE = "COMPANION_SPOOL_PUBLIC_KEY", "COMPANION_SPOOL_PRIVATE_KEY"


async def keep_replaying(settings: Settings, stopping: asyncio.Event) -> None:
    """Replay whatever lies in the spool as soon as the database answers, until `stopping` is set.

    Raises `ConfigurationError` for keys that do not belong together.
    """
    spool, keys = Spool(settings.home), opening_keys(settings)
    masters = KeyRing.from_setting(settings.master_key.get_secret_value())
    dsn = settings.worker_dsn.get_secret_value()
    db = Database(dsn, masters, size=POOL_SIZE)

    opinion = settings.second_opinion
    replayer = Replayer(spool, keys, db, job_app(dsn), LazyScreener(), SystemClock(), second_opinion=opinion)
    await db.open(must_answer=False)
    try:
        await keep_doing("replay", partial(_look, spool, replayer), every=LOOK_SECONDS, stopping=stopping)
    finally:
        await db.close()


async def _look(spool: Spool, replayer: Replayer) -> None:
    if not (spool.waiting() or spool.replayed()):
        return
    try:
        await replayer.run()
    except SpoolBusy:
        return  # Another worker of this machine is at it.
    except Unavailable:
        log.warning("replay_waits_for_database")


def opening_keys(settings: Settings) -> OpeningKeys:
    """Return the private keys of the spool.

    Raises `ConfigurationError` when they are missing, or are not those of the public key where that is known too.
    """
    keys = OpeningKeys.from_setting(settings.spool_private_key.get_secret_value(), PRIVATE)
    public = settings.spool_public_key.get_secret_value()
    if public and SealingKey.from_setting(public, PUBLIC).public != keys.public:
        raise ConfigurationError(f"{PRIVATE} does not open what is sealed to {PUBLIC}: set the two of one pair.")
    return keys
