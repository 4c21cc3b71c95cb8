"""The case as staff read it; every look is stored."""

from tools.care.dossier.looks import Judged, open_evidence, open_transcript, read_evidence
from tools.care.dossier.page import Dossier, open_dossier
from tools.care.dossier.said import Quote

__all__ = ["Dossier", "Judged", "Quote", "open_dossier", "open_evidence", "open_transcript", "read_evidence"]
