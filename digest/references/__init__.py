"""References in and out: what people export from their libraries, and what they import into them.

`read` takes a file of any of the usual forms and gives the ids in it; `write` gives papers as
BibTeX, RIS or CSL-JSON. The one door to bibtexparser and rispy. Files come from strangers:
reading is bounded, never raises, and always says what it did not understand.
"""

from __future__ import annotations

from digest.references.reading import References, read
from digest.references.writing import FORMS, MEDIA_TYPES, write

__all__ = ["FORMS", "MEDIA_TYPES", "References", "read", "write"]
