"""Students with and without Canvas, over the real database and the simulated Canvas."""

from __future__ import annotations

from tests.integration.canvas.conftest import bench, connected, simulated
from tests.integration.canvas.test_routes import http

__all__ = ["bench", "connected", "http", "simulated"]
