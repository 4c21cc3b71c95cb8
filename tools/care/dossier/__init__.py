"""The case as staff read it; every look is stored."""

from tools.care.dossier.dispatch import DispatchSheet, open_dispatch
from tools.care.dossier.looks import Judged, open_evidence, open_transcript, read_evidence
from tools.care.dossier.page import Dossier, open_dossier
from tools.care.dossier.said import Quote

__all__ = [
    "DispatchSheet",
    "Dossier",
    "Judged",
    "Quote",
    "open_dispatch",
    "open_dossier",
    "open_evidence",
    "open_transcript",
    "read_evidence",
]
