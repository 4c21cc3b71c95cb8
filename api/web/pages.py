"""All pages as one router."""

from __future__ import annotations

from fastapi import APIRouter

from api.web import account, chat, console, console_case, front, library, looks

router = APIRouter()
for part in (front, account, chat, looks, library, console, console_case):
    router.include_router(part.router)
