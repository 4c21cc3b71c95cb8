"""The weights and thresholds of retrieval, read from `ranking.yaml`."""

from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict


class Ranking(BaseModel):
    """How the dense and the text leg are weighed, and when retrieval says that it has nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int
    candidates: int
    query_terms: int
    dense_weight: float = 1.0
    text_weight: float
    abstain_below: dict[str, float]
    abstain_below_text_only: float

    def threshold(self, embedder: str | None) -> float:
        """The least score of an answer; an encoder nobody calibrated never abstains. None means no encoder."""
        if embedder is None:
            return self.abstain_below_text_only
        return self.abstain_below.get(embedder.partition("@")[0], 0.0)


@cache
def default_ranking() -> Ranking:
    """The packaged ranking."""
    return Ranking.model_validate(yaml.safe_load(Path(__file__).with_name("ranking.yaml").read_text(encoding="utf-8")))
