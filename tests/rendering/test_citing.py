"""How a paper's page names it to reference managers."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qsl

from hypothesis import given
from hypothesis import strategies as st

from digest.model import Link, LinkKind, Paper
from digest.rendering import citing

PAPER = Paper(
    id="arxiv:2606.00001",
    title="Owls & Others",
    authors=("Ada Lovelace", "Kim Oh"),
    abstract="What owls do.",
    published=datetime(2026, 6, 9, tzinfo=UTC),
    url="https://arxiv.org/abs/2606.00001",
    links=(Link(kind=LinkKind.PDF, url="https://arxiv.org/pdf/2606.00001"),),
    identifiers=("arxiv:2606.00001",),
)


def test_coins_tell_title_authors_day_and_address():
    told = parse_qsl(citing.coins(PAPER))

    assert told[0] == ("ctx_ver", "Z39.88-2004")
    assert ("rft.genre", "preprint") in told
    assert ("rft.atitle", "Owls & Others") in told
    assert [value for key, value in told if key == "rft.au"] == ["Ada Lovelace", "Kim Oh"]
    assert ("rft.date", "2026-06-09") in told
    assert ("rft_id", "https://arxiv.org/abs/2606.00001") in told


def test_meta_tags_have_one_author_each_and_leave_out_what_is_not_known():
    told = citing.meta(PAPER)

    assert [value for name, value in told if name == "citation_author"] == [
        "Ada Lovelace",
        "Kim Oh",
    ]
    assert ("citation_arxiv_id", "2606.00001") in told
    assert ("citation_pdf_url", "https://arxiv.org/pdf/2606.00001") in told
    assert "citation_doi" not in dict(told)


def test_a_published_paper_has_its_journal_and_doi():
    paper = Paper(id="doi:10.1/x", title="T", doi="10.1/x", journal_ref="Journal of Owls 1")

    assert "info%3Adoi%2F10.1%2Fx" in citing.coins(paper)
    assert dict(citing.meta(paper))["citation_journal_title"] == "Journal of Owls 1"


@given(st.text(), st.lists(st.text(max_size=30), max_size=3), st.text())
def test_any_text_can_be_cited(title, authors, doi):
    paper = Paper(id="x:1", title=title, authors=tuple(authors), doi=doi)

    assert citing.coins(paper).isascii()
    assert all(name.startswith("citation_") and value for name, value in citing.meta(paper))
