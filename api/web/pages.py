"""All pages as one router."""

from __future__ import annotations

from fastapi import APIRouter

from api.web import account, chat, front, library, looks, mailbox, steps
from api.web.console import acts, case, queue

router = APIRouter()
for part in (front, account, steps, mailbox, chat, looks, library, queue, case, acts):
    router.include_router(part.router)
