"""What is typed or pasted finds its paper first, and a paper finds those like it."""

from datetime import date

import pytest

from digest.model import Announcement, AnnounceType, Item, Paper
from digest.pipeline import searching
from digest.pipeline.searching import search, similar
from digest.ports import Within

TEXTS = {
    1: ("Dual encoders for tidal search", "We encode tides twice and search them at night."),
    2: ("Tidal search in deep water", "Dual encoders find tides; search by tide is tidal search."),
    3: ("A clock of brass", "It keeps time by a pendulum of steel, and rings."),
    4: (
        "Pendulum clocks revisited",
        "Steel and brass clocks keep time; a pendulum is what they need.",
    ),
    5: ("Clocks", "Short."),
}


@pytest.fixture
def library(store, now):
    store.papers.ingest(
        [
            Item(
                paper=Paper(
                    id=f"arxiv:2606.{n:05}",
                    title=title,
                    abstract=abstract,
                    categories=("cs.IR",) if n < 3 else ("physics.pop-ph",),
                    doi=f"10.1000/{n}",
                    identifiers=(f"arxiv:2606.{n:05}", f"doi:10.1000/{n}"),
                ),
                announcement=Announcement(
                    paper_id=f"arxiv:2606.{n:05}",
                    source="arxiv",
                    feed="cs.IR",
                    day=date(2026, 6, 10),
                    type=AnnounceType.NEW,
                    seen_at=now,
                ),
            )
            for n, (title, abstract) in TEXTS.items()
        ]
    )
    return store


def ids(found):
    return [int(paper.id[-5:]) for paper, _ in found]


def test_the_paper_whose_title_is_typed_comes_first(library):
    assert ids(search(library, "clocks", limit=9))[0] == 5
    assert ids(search(library, "Tidal search in deep water", limit=9))[0] == 2


def test_a_pasted_abstract_finds_its_paper(library):
    pasted = f"{TEXTS[4][0]}\nA. Example\nAbstract: {TEXTS[4][1]} Nonsenseword elsewhere, " * 2

    assert ids(search(library, pasted, limit=9))[0] == 4


@pytest.mark.parametrize(
    "named",
    ["2606.00003", "arXiv:2606.00003v2", "https://arxiv.org/abs/2606.00003", "10.1000/3"],
)
def test_an_id_or_address_finds_its_paper(library, named):
    assert ids(search(library, named, limit=9))[0] == 3


def test_it_is_narrowed_to_what_was_asked_for(library):
    within = Within(categories=("cs.IR",))

    assert ids(search(library, "pendulum", within=within, limit=9)) == []
    assert sorted(ids(search(library, "", within=within, limit=9))) == [1, 2]


def test_pages_go_on_where_the_last_one_ended(library, monkeypatch):
    whole = ids(search(library, "tidal OR clocks brass pendulum search", limit=9))

    monkeypatch.setattr(searching, "MOST_FUSED", 2)
    pages = [
        ids(search(library, "tidal OR clocks brass pendulum search", limit=2, offset=offset))
        for offset in (0, 2, 4)
    ]

    assert len(whole) == 5
    assert sorted(each for page in pages for each in page) == sorted(whole)


def test_nothing_is_found_for_nothing_known(library):
    assert search(library, "zebra", limit=9) == []


def test_similar_papers_share_its_telling_words_and_are_not_itself(library):
    papers = library.papers.get(["arxiv:2606.00003", "arxiv:2606.00001"])

    assert [paper.id[-1] for paper in similar(library, papers["arxiv:2606.00003"], limit=3)] == [
        "4"
    ]
    assert [paper.id[-1] for paper in similar(library, papers["arxiv:2606.00001"], limit=3)] == [
        "2"
    ]


def test_a_paper_without_words_is_like_nothing(library):
    assert similar(library, Paper(id="url:x", title="???"), limit=3) == []
