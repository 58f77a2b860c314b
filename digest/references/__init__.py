"""References as people exchange them: BibTeX, RIS, CSL-JSON, read and written."""
