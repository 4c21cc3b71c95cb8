"""What goes wrong with knowledge."""

from core.errors import InvalidInput


class InvalidDocument(InvalidInput):
    """This document could not be read."""

    code = "invalid_document"
