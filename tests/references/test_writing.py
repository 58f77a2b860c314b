"""What is written is what reference managers take, and what we read back."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import bibtexparser
import pytest
import rispy
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import InvalidInput
from digest.model import Paper
from digest.references import FORMS, MEDIA_TYPES, read, write
from digest.references.names import split_name


def bib_of(*papers):
    return bibtexparser.parse_string(write(papers, "bib").decode()).entries


def test_a_paper_on_arxiv_has_the_fields_that_arxiv_asks_for(paper):
    (entry,) = bib_of(paper())

    fields = {field.key: field.value for field in entry.fields}
    assert entry.entry_type == "misc"
    assert entry.key == "example2026sorting"
    assert fields["eprint"] == "2606.00001"
    assert fields["archivePrefix"] == "arXiv"
    assert fields["primaryClass"] == "cs.IR"
    assert fields["doi"] == "10.48550/arXiv.2606.00001"
    assert fields["author"] == "Example, Ada and van der Sample, Bo"


def test_a_published_paper_is_an_article_under_its_publishers_doi(paper):
    (entry,) = bib_of(paper(journal_ref="J. Fish 3 (2026) 1", doi="10.1000/fish_3"))

    assert entry.entry_type == "article"
    assert entry["journal"] == "J. Fish 3 (2026) 1"
    assert entry["doi"] == "10.1000/fish_3"


def test_what_latex_would_stumble_over_is_escaped_and_acronyms_keep_their_capitals(paper):
    (entry,) = bib_of(paper(title="50% of {x} & y_1: α-BERT for Müller's $5"))

    assert entry["title"] == (
        r"50\% of \textbraceleft{}x\textbraceright{} \& y\_1: {\ensuremath{\alpha}-BERT}"
        r" for Müller's \$5"
    )


def test_an_address_is_not_escaped(paper):
    (entry,) = bib_of(paper(url="https://example.org/a_b%20c?x={y}"))

    assert entry["url"] == "https://example.org/a_b%20c?x=%7By%7D"


def test_keys_are_unique_ascii_and_never_empty(paper):
    papers = [paper(id=f"arxiv:2606.{n:05}") for n in range(1, 30)]

    keys = [
        each.key
        for each in bib_of(*papers, Paper(id="url:x", title="深度"), Paper(id="url:y", title=""))
    ]

    assert keys[:3] == ["example2026sorting", "example2026sortinga", "example2026sortingb"]
    assert keys[27:29] == ["example2026sortingaa", "example2026sortingab"]
    assert keys[29:] == ["paper", "papera"]


def test_a_collaboration_is_no_person(paper):
    (entry,) = bib_of(paper(authors=("The ATLAS and CMS Collaborations", "Plato")))

    assert entry["author"] == "{The ATLAS and CMS Collaborations} and {Plato}"


def test_ris_is_what_its_readers_expect(paper):
    text = write([paper(abstract="Fish\nsing."), paper(journal_ref="J. Fish")], "ris").decode()

    assert text.startswith("TY  - UNPB\r\n")
    first, second = rispy.loads(text.replace("\r\n", "\n"))
    assert first["authors"] == ["Example, Ada", "van der Sample, Bo"]
    assert first["abstract"] == "Fish sing."
    assert first["date"] == "2026/06/09"
    assert second["type_of_reference"] == "JOUR"


def test_csl_json_has_names_in_parts_and_dates_in_numbers(paper):
    (item,) = json.loads(write([paper()], "csl"))

    assert item["type"] == "article"
    assert item["author"][1] == {"family": "van der Sample", "given": "Bo"}
    assert item["issued"] == {"date-parts": [[2026, 6, 9]]}
    assert item["number"] == "arXiv:2606.00001"


def test_an_unknown_form_is_named_with_those_there_are(paper):
    with pytest.raises(InvalidInput, match="bib, ris, csl"):
        write([paper()], "docx")


def test_every_form_has_a_media_type():
    assert set(MEDIA_TYPES) == set(FORMS)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Ada Example", ("Example", "Ada")),
        ("Ludwig van der Berg", ("van der Berg", "Ludwig")),
        ("Example, Ada B.", ("Example", "Ada B.")),
        ("Bo Sample Jr.", ("Sample Jr.", "Bo")),
        ("Bo Sample, Jr.", ("Sample Jr.", "Bo")),
        ("Plato", ("Plato", "")),
        ("Fish Collaboration", ("Fish Collaboration", "")),
        ("", ("", "")),
    ],
)
def test_names_are_filed_as_reference_managers_do(name, parts):
    assert split_name(name) == parts


numbers = st.integers(1, 99_999)
arxiv = st.builds("arxiv:26{:02}.{:05}".format, st.integers(1, 12), numbers)
old_arxiv = st.builds("arxiv:{}/98{:02}{:03}".format, st.sampled_from(["hep-th", "cs"]), st.integers(1, 12), st.integers(1, 999))  # fmt: skip
doi = st.builds(
    "doi:10.{}/{}".format,
    st.integers(1000, 99_999),
    st.text("abcdefghijk0123456789_-.()", min_size=1, max_size=20)
    .map(lambda suffix: suffix.strip(".()"))
    .filter(bool)
    .filter(lambda suffix: suffix.count("(") == suffix.count(")")),
)


@st.composite
def written(draw):
    key = draw(st.one_of(arxiv, old_arxiv, doi))
    return Paper(
        id=key,
        doi=key.removeprefix("doi:") if key.startswith("doi:") else "",
        title=draw(st.text(max_size=40)) or "x",
        abstract=draw(st.text(max_size=80)),
        authors=tuple(draw(st.lists(st.text(max_size=20), max_size=3))),
        categories=("cs.IR",),
        journal_ref=draw(st.text(max_size=20)),
        published=draw(st.none() | st.just(datetime(2026, 6, 9, tzinfo=UTC))),
        identifiers=(key,),
    )


@given(st.lists(written(), min_size=1, max_size=3), st.sampled_from(FORMS))
def test_what_is_written_is_read_back_as_the_same_papers(papers, form):
    found = read(write(papers, form), f"export.{form}")

    assert set(found.ids) == {each.id for each in papers}
    assert (found.entries, found.problems) == (len(papers), ())
