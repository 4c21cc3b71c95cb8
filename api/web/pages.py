"""All pages as one router."""

from __future__ import annotations

from fastapi import APIRouter

from api.web import account, chat, console, front, library

router = APIRouter()
for part in (front, account, chat, library, console):
    router.include_router(part.router)
