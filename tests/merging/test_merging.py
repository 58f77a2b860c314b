from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.merging import (
    arxiv_id,
    canonical_doi,
    canonical_url,
    join,
    keys_of,
    published_dois,
    title_key,
    url_key,
)
from digest.model import Link, LinkKind, Paper

TITLE = "Tides below the quiet sea"


def paper(paper_id="arxiv:2606.00001", **fields):
    return Paper(id=paper_id, **{"title": TITLE, "authors": ("Ada Bee",), **fields})


# --- names of papers ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("2406.01234", ("2406.01234", 0)),
        ("arXiv:2406.01234v2", ("2406.01234", 2)),
        ("oai:arXiv.org:hep-th/9901001v1", ("hep-th/9901001", 1)),
        ("oai:arXiv.org:2605.08098v1", ("2605.08098", 1)),
        ("https://arxiv.org/abs/2406.01234v3", ("2406.01234", 3)),
        ("http://export.arxiv.org/abs/0704.0001", ("0704.0001", 0)),
        ("https://arxiv.org/pdf/2406.01234v1.pdf", ("2406.01234", 1)),
        ("arxiv.org/html/2406.01234?x=1#s2", ("2406.01234", 0)),
        ("https://www.alphaxiv.org/abs/2406.01234", ("2406.01234", 0)),
        ("https://huggingface.co/papers/2406.01234", ("2406.01234", 0)),
        ("10.48550/arXiv.2406.01234", ("2406.01234", 0)),
        ("https://doi.org/10.48550/arxiv.2406.01234", ("2406.01234", 0)),
        ("doi:10.48550/arXiv.2406.01234", ("2406.01234", 0)),
        ("math.GT/0309136", ("math/0309136", 0)),
        ("cs.LG/0309136v2", ("cs/0309136", 2)),
        (" astro-ph/0601001 ", ("astro-ph/0601001", 0)),
    ],
)
def test_every_way_to_name_an_arxiv_paper(written, found):
    assert arxiv_id(written) == found


@pytest.mark.parametrize(
    "written",
    ["", "2413.01234", "2406.0123", "12406.01234", "10.1000/2406.01234", "nonsense/0309136", "and/or",
     "https://e.org/abs/2406.01234", "https://arxiv.org/list/cs.LG/new", "see 2406.01234", "2406.01234v0"],
)  # fmt: skip
def test_what_names_no_arxiv_paper(written):
    assert arxiv_id(written) is None


@pytest.mark.parametrize(
    "written",
    ["10.1101/2024.01.01.5738", "doi:10.1101/2024.01.01.5738", "https://doi.org/10.1101%2F2024.01.01.5738",
     "http://dx.doi.org/10.1101/2024.01.01.5738.", " 10.1101/2024.01.01.5738 "],
)  # fmt: skip
def test_a_doi_has_one_form(written):
    assert canonical_doi(written) == "10.1101/2024.01.01.5738"


def test_dois_have_no_case_and_must_look_like_one():
    assert canonical_doi("10.1000/AbC") == "10.1000/abc"
    assert canonical_doi("10.1175/1520-0442(1997)010<0001:ABC>2.0.CO;2").endswith(
        "<0001:abc>2.0.co;2"
    )
    assert canonical_doi("10.1000/abc</a>") == canonical_doi("10.1000/a<b>c") == ""
    assert canonical_doi("11.1000/abc") == canonical_doi("10.1/x") == canonical_doi("") == ""


def test_addresses_of_one_page_are_one():
    plain = canonical_url("https://e.org/a?id=1")

    assert canonical_url("http://www.e.org/a/?utm_source=rss&id=1#top") == plain
    assert canonical_url("https://e.org/a?id=2") != plain
    assert url_key("http://e.org/a").startswith("url:")


def test_of_a_page_at_pubmed_only_the_path_counts_since_its_feeds_stamp_their_links():
    page, search = "https://pubmed.ncbi.nlm.nih.gov/38012345/", "https://pubmed.ncbi.nlm.nih.gov/"

    assert canonical_url(f"{page}?fc=None&ff=20261122080001&v=2.18.0") == canonical_url(page)
    assert canonical_url(f"{search}?term=bees") != canonical_url(f"{search}?term=tides")


def test_titles_meet_whatever_their_dress():
    assert (
        title_key("Tides Below the Quiet Sea!", ["A. Bee"]) == title_key(TITLE, ["Bee, Ada"]) != ""
    )


def test_titles_of_other_authors_do_not_meet():
    assert title_key(TITLE, ["Ada Bee"]) != title_key(TITLE, ["Cy Dee"])


@pytest.mark.parametrize(
    "title",
    ["Editorial", "Waves and tides", "A b c d e", "Correction to: Tides below the quiet sea",
     "Author Correction: tides below the sea", "Message from the Editor-in-Chief", "Reply to comments on tides and waves", ""],
)  # fmt: skip
def test_titles_that_many_papers_share_are_no_key(title):
    assert title_key(title, ["Ada Bee"]) == ""


def test_titles_without_an_author_are_no_key():
    assert title_key(TITLE, []) == title_key(TITLE, [""]) == ""


def test_keys_come_strongest_first_and_once():
    record = paper(
        "doi:10.1000/x",
        doi="10.1000/X",
        identifiers=("url:1", "doi:10.48550/arxiv.2606.00001", "doi:10.1000/x"),
    )

    assert keys_of(record) == (
        "arxiv:2606.00001",
        "doi:10.1000/x",
        "doi:10.48550/arxiv.2606.00001",
        "url:1",
        title_key(TITLE, ["Ada Bee"]),
    )


def test_dois_of_preprints_are_not_publishers():
    preprints = (
        "10.48550/arxiv.2606.00001", "10.1101/2026.06.01.5738", "10.2139/ssrn.1", "10.21203/rs.3.rs-1/v1",
        "10.26434/chemrxiv-1", "10.31234/osf.io/a", "10.5281/zenodo.1", "10.7554/elife.12345.2",
    )  # fmt: skip
    published = ("10.1101/gr.12345", "10.7554/elife.12345", "10.1000/x")

    keys = [f"doi:{each}" for each in (*preprints, *published)]

    assert published_dois(["url:a", *keys]) == {f"doi:{each}" for each in published}


# --- two records of one paper ---------------------------------------------------------------------


def test_what_was_there_first_wins_and_gaps_are_filled():
    old = paper(abstract="", categories=("cs.LG", "stat.ML"), licence="https://l.org")
    new = paper(title="Other", abstract="Text.", categories=("cs.AI", "cs.LG"), comment="9 pages")

    joined = join(old, new)

    assert (joined.title, joined.abstract, joined.comment) == (TITLE, "Text.", "9 pages")
    assert joined.categories == ("cs.LG", "stat.ML", "cs.AI")
    assert joined.licence == "https://l.org"


def test_a_later_version_brings_its_own_text():
    old = paper(version=1, abstract="First words.", authors=("Ada Bee",))
    new = paper(version=2, title="New", abstract="Second words.", authors=("Ada Bee", "Cy Dee"))

    joined = join(old, new)

    assert (joined.version, joined.title, joined.abstract) == (2, "New", "Second words.")
    assert joined.authors == ("Ada Bee", "Cy Dee")


def test_an_earlier_version_changes_no_text():
    new, old = paper(version=1, title="First"), paper(version=2, title="Second")

    assert join(old, new).title == "Second"
    assert join(old, new).version == 2


def test_a_teaser_never_erases_an_abstract_nor_an_empty_list_the_authors():
    old = paper(version=1, abstract="A long abstract, in full. " * 5)
    new = paper(version=2, abstract="A long…", authors=())

    assert join(old, new).abstract == old.abstract
    assert join(old, new).authors == ("Ada Bee",)
    assert join(replace(new, version=1), replace(old, version=1)).abstract == old.abstract


def test_the_arxiv_id_wins_with_its_page_and_version():
    old = paper("doi:10.1000/x", version=3, url="https://e.org", doi="10.1000/x")
    new = paper("arxiv:2606.00001", version=1, url="https://arxiv.org/abs/2606.00001")

    joined = join(old, new)

    assert (joined.id, joined.version, joined.url) == (new.id, 1, new.url)
    assert joined.doi == "10.1000/x"
    assert {old.id, new.id} <= set(joined.identifiers)
    assert join(new, old).id == new.id


def test_a_publishers_doi_displaces_the_one_arxiv_mints():
    old, new = paper(doi="10.48550/arxiv.2606.00001"), paper(doi="10.1000/x")

    assert join(old, new).doi == join(new, old).doi == "10.1000/x"


def test_the_first_publication_and_the_last_update_count():
    early, late = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 6, 9, tzinfo=UTC)

    joined = join(paper(published=late, updated=early), paper(published=early, updated=late))

    assert (joined.published, joined.updated) == (early, late)


def test_links_are_united_by_address():
    link = Link(kind=LinkKind.CODE, url="https://github.com/x/y")
    other = Link(kind=LinkKind.PROJECT, url="https://e.org")

    assert join(paper(links=(link,)), paper(links=(other, link))).links == (link, other)


def at_biorxiv(version):
    page = f"https://www.biorxiv.org/content/10.1101/2026.06.01.1234v{version}"
    links = (
        Link(kind=LinkKind.ABSTRACT, url=page),
        Link(kind=LinkKind.PDF, url=f"{page}.full.pdf"),
    )
    return paper("doi:10.1101/2026.06.01.1234", version=version, url=page, links=links)


@pytest.mark.parametrize("stored", [1, 2])
def test_pages_that_differ_in_their_version_alone_give_way_to_the_latest(stored):
    code = Link(kind=LinkKind.CODE, url="https://github.com/x/y1v1")
    other = Link(kind=LinkKind.ABSTRACT, url="https://e.org/1v1")
    first, second = at_biorxiv(1), at_biorxiv(2)
    # A `stored` version 2 is of a database from before, where it stood over the page of the first.
    old = replace(first, version=stored, links=(*first.links, code, other))

    joined = join(old, second)

    assert (joined.url, joined.links) == (second.url, (*second.links, code, other))
    assert join(joined, first) == joined
    assert join(join(first, at_biorxiv(10)), second) == at_biorxiv(10)


WORDS = st.sampled_from(["", "One.", "One two three…", "One two three four five."])
DATES = st.none() | st.integers(1, 28).map(lambda day: datetime(2026, 6, day, tzinfo=UTC))
KEYS = st.lists(
    st.sampled_from(["doi:10.1000/a", "url:b", "arxiv:2606.00001", "title:c|bee a"]),
    max_size=3,
    unique=True,
)
PAPERS = st.builds(
    Paper,
    id=st.sampled_from(["arxiv:2606.00001", "doi:10.1000/a", "url:b"]),
    title=st.sampled_from(["One", "Two"]),
    abstract=WORDS,
    authors=st.lists(st.sampled_from(["Ada Bee", "Cy Dee"]), max_size=2, unique=True).map(tuple),
    categories=st.lists(st.sampled_from(["cs.LG", "cs.AI"]), unique=True).map(tuple),
    version=st.integers(1, 3),
    published=DATES,
    updated=DATES,
    url=st.sampled_from(["", "https://e.org/1", "https://e.org/1v1", "https://e.org/1v2.full"]),
    links=st.lists(
        st.sampled_from([at_biorxiv(1).links[0], at_biorxiv(2).links[0]]), max_size=1
    ).map(tuple),
    doi=st.sampled_from(["", "10.1000/a", "10.48550/arxiv.2606.00001"]),
    comment=WORDS,
    identifiers=KEYS.map(tuple),
)


@settings(max_examples=40)
@given(PAPERS)
def test_a_record_joined_to_itself_is_unchanged(record):
    assert join(record, record) == record


@settings(max_examples=40)
@given(PAPERS, PAPERS)
def test_joining_twice_changes_nothing(old, new):
    joined = join(old, new)

    assert join(joined, new) == joined
    assert join(joined, old) == joined


@settings(max_examples=40)
@given(PAPERS, PAPERS)
def test_the_order_of_records_does_not_matter_for_what_names_the_paper(one, other):
    assert set(join(one, other).identifiers) == set(join(other, one).identifiers)
    assert {one.id, other.id} <= set(keys_of(join(one, other)))
