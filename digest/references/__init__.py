"""Reads and writes files of references, as reference managers export and import them.

`read` finds the ids of papers in a file of any usual format; `write` makes BibTeX, RIS or
CSL-JSON. Files come from strangers, so reading is bounded, never raises, and names the entries
that it did not understand. No other module imports bibtexparser or rispy.
"""

from __future__ import annotations

from digest.references.reading import References, read
from digest.references.writing import FORMS, MEDIA_TYPES, write

__all__ = ["FORMS", "MEDIA_TYPES", "References", "read", "write"]
