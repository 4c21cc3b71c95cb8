"""The screener of a process that screens now and then: made when it is needed, and anew as long as it is not whole."""

from __future__ import annotations

from core.logs import get_logger
from embedding.errors import EmbeddingUnavailable
from safety import classifier
from safety.screen import Screener
from safety.types import Screening, ScreeningContext

log = get_logger("conversations.screening")


class LazyScreener:
    """Loads the model at the first message; while it cannot be loaded, every verdict names the layer as missing."""

    def __init__(self) -> None:
        self._whole: Screener | None = None
        self._bare: Screener | None = None

    def screen(self, text: str, context: ScreeningContext) -> Screening:
        """Judge one message; never raises. Takes a moment when the model has to be loaded."""
        return self._screener().screen(text, context)

    def _screener(self) -> Screener:
        if self._whole is not None:
            return self._whole
        try:
            self._whole = Screener(*classifier.packaged())
        except (EmbeddingUnavailable, OSError, ValueError, KeyError) as error:
            log.error("model_not_loaded", error=type(error).__name__)
            self._bare = self._bare or Screener(None)
            return self._bare
        return self._whole
