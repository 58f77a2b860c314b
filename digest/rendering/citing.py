"""Metadata in a paper's page for reference managers: COinS and citation meta tags."""

from __future__ import annotations

from urllib.parse import urlencode

from digest.model import LinkKind, Paper
from digest.rendering import links
from digest.rendering.views import title_of
from digest.text import clean

MOST_AUTHORS = 200
ARXIV = "arxiv:"


def coins(paper: Paper) -> str:
    """The OpenURL ContextObject (ANSI/NISO Z39.88-2004) for the title of a `span.Z3988`."""
    fields = [
        ("ctx_ver", "Z39.88-2004"),
        ("rft_val_fmt", "info:ofi/fmt:kev:mtx:journal"),
        ("rft.genre", "article" if paper.journal_ref or paper.doi else "preprint"),
        ("rft.atitle", title_of(paper)),
        ("rft.jtitle", clean(paper.journal_ref)),
        ("rft.date", f"{paper.published:%Y-%m-%d}" if paper.published else ""),
        *(("rft.au", clean(each)) for each in paper.authors[:MOST_AUTHORS]),
        ("rft_id", f"info:doi/{clean(paper.doi)}" if paper.doi else ""),
        ("rft_id", links.safe(paper.url)),
    ]
    return urlencode([(key, value) for key, value in fields if value])


def meta(paper: Paper) -> list[tuple[str, str]]:
    """Names and contents of the `citation_*` meta tags (source: Google Scholar's guidelines)."""
    pdf = next((each.url for each in paper.links if each.kind is LinkKind.PDF), "")
    fields = [
        ("citation_title", title_of(paper)),
        *(("citation_author", clean(each)) for each in paper.authors[:MOST_AUTHORS]),
        ("citation_publication_date", f"{paper.published:%Y/%m/%d}" if paper.published else ""),
        ("citation_journal_title", clean(paper.journal_ref)),
        ("citation_doi", clean(paper.doi)),
        ("citation_arxiv_id", _arxiv_id(paper)),
        ("citation_pdf_url", links.safe(pdf)),
        ("citation_abstract_html_url", links.safe(paper.url)),
        ("citation_abstract", clean(paper.abstract)),
    ]
    return [(name, content) for name, content in fields if content]


def _arxiv_id(paper: Paper) -> str:
    keys = (paper.id, *paper.identifiers)
    return next((each.removeprefix(ARXIV) for each in keys if each.startswith(ARXIV)), "")
