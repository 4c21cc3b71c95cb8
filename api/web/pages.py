"""All pages as one router."""

from __future__ import annotations

from fastapi import APIRouter

from api.web import account, chat, front, library

router = APIRouter()
for part in (front, account, chat, library):
    router.include_router(part.router)
