"""All pages as one router."""

from __future__ import annotations

from fastapi import APIRouter

from api.web import account, canvas, chat, front, library, logs, looks, mailbox, operator, own_words, steps, work, yours
from api.web.console import acts, case, examples, queue, report, rota

router = APIRouter()
for part in (
    front, account, steps, mailbox, canvas, work, chat, looks, yours, own_words, logs, library,
    queue, case, acts, examples, report, rota, operator,
):  # fmt: skip
    router.include_router(part.router)
