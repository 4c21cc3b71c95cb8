"""What goes wrong with encoders."""

from core.errors import Unavailable


class EmbeddingUnavailable(Unavailable):
    """The text encoder is not available."""

    code = "embedding_unavailable"
