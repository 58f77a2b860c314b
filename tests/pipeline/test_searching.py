"""What is typed or pasted finds its paper first, and a paper finds those like it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.model import Announcement, AnnounceType, Item, Paper
from digest.pipeline import learning, searching
from digest.pipeline.searching import is_within, search, similar
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


@pytest.mark.parametrize(
    "named", ["10.1000/3", "doi:10.1000/3", "10.48550/arXiv.2606.00003", "arXiv: 2606.00003"]
)
def test_an_id_finds_nothing_else(library, named):
    assert ids(search(library, f" {named} ", limit=9)) == [3]


@pytest.mark.parametrize(
    "reference",
    [
        "Ng, Tidal clocks, arXiv:2606.00003v2 [cs.IR], 2026",
        "Tidal search in deep water? (doi:10.1000/3)",
        "tidal clocks https://arxiv.org/abs/2606.00003.",
    ],
)
def test_a_paper_whose_id_stands_in_a_query_comes_first(library, reference):
    found = search(library, reference, limit=9)

    assert ids(found)[0] == 3
    assert len(found) > 1
    assert len(set(ids(found))) == len(found)
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)


def test_a_long_text_that_speaks_of_another_paper_finds_its_own(library):
    pasted = f"{TEXTS[4][1]} Unlike arXiv:2606.00003, " * 4

    assert ids(search(library, pasted, limit=9))[0] == 4


def test_it_is_narrowed_to_what_was_asked_for(library):
    within = Within(categories=("cs.IR",))

    assert ids(search(library, "pendulum", within=within, limit=9)) == []
    assert sorted(ids(search(library, "", within=within, limit=9))) == [1, 2]


def test_what_is_beyond_the_first_hits_comes_after_them(library, monkeypatch):
    query = "tidal OR clocks brass pendulum search"
    whole = ids(search(library, query, limit=9))

    monkeypatch.setattr(searching, "MOST_FUSED", 2)
    found = search(library, query, limit=9)

    assert len(whole) == 5
    assert sorted(ids(found)) == sorted(whole)
    assert [score > 0 for _, score in found] == [True, True, False, False, False]
    assert ids(search(library, query, limit=3)) == ids(found)[:3]


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


# --- with a learned space -------------------------------------------------------------------------

BIDS = "Bidders at an auction shade what they bid, and a price is found in the market."
NAMELESS = "Welfare of the price a bidder pays: market and auction."


@pytest.fixture(scope="module")
def learned(tmp_path_factory, archive):
    """Six hundred papers of five themes, a space, and how near all of them are in it."""
    from digest.ranking import space
    from digest.ranking.nearness import gather
    from digest.store import open_store

    moment = datetime(2026, 6, 10, 7, tzinfo=UTC)
    store = open_store(tmp_path_factory.mktemp("learned") / "digest.db")
    store.migrate()
    day = {0: moment - timedelta(days=9), 1: moment}
    for half, seen_at in day.items():
        store.papers.ingest(archive(range(300 * half, 300 * half + 300), seen_at=seen_at))
    other = archive([903], seen_at=moment)[0]
    paper = replace(
        other.paper,
        title="Shading",
        abstract=BIDS,
        authors=("Ada Vickrey",),
        categories=("econ.TH",),
    )
    store.papers.ingest([Item(paper=paper, announcement=other.announcement)])
    for rare, title in zip(
        archive([901, 904]), ["A font of glyphs", "Glyphs of a font"], strict=True
    ):
        store.papers.ingest([replace(rare, paper=replace(rare.paper, title=title))])
    learning.learn(store, clock=lambda: moment, owner="one")
    kept = space.loads(store.spaces.load())
    yield store, gather(kept, store.spaces.newest(kept.name, limit=1_000))
    store.close()


def themes(papers):
    return {int(each.id[-5:]) % 5 for each in papers}


def found_in(learned, query, **asked):
    store, nearness = learned
    return [paper for paper, _ in search(store, query, nearness=nearness, **asked)]


def test_papers_are_found_that_have_none_of_the_words(learned):
    store, _ = learned
    by_words = [paper for paper, _ in search(store, "shade bidders of auction", limit=50)]

    found = found_in(learned, "shade bidders of auction", limit=50)

    assert [each.title for each in by_words] == ["Shading"]
    assert found[0].title == "Shading"
    assert len(found) > 20
    assert themes(found) == {3}


def test_a_text_that_was_pasted_leads_to_its_paper_and_to_those_like_it(learned):
    store, _ = learned
    pasted = f"{BIDS} {NAMELESS} Nobody has ever written this sentence into an abstract before. "

    found = found_in(learned, pasted, limit=20)

    assert found[0].title == "Shading"
    assert themes(found) == {3}
    whole = store.papers.get(["arxiv:2601.00014"])["arxiv:2601.00014"]
    assert found_in(learned, f"{whole.title} {whole.abstract}", limit=20)[0] == whole


def test_a_title_or_an_id_still_comes_first(learned):
    assert found_in(learned, "shading", limit=9)[0].title == "Shading"
    assert found_in(learned, "arXiv:2601.00903", limit=9)[0].title == "Shading"


QUOTED_AT_LENGTH = '"shade what they bid" ' + "galaxies far away from any auction " * 3


@pytest.mark.parametrize(
    "query", ['"shade what they bid"', "shad*", "shade -bidders", QUOTED_AT_LENGTH]
)
def test_what_a_query_demands_is_in_all_it_finds(learned, query):
    assert [each.title for each in found_in(learned, query, limit=50)] == ["Shading"]


def test_demands_are_met_in_the_order_of_what_is_near(learned):
    store, nearness = learned
    query = '"galaxy"'

    by_words = [paper.id for paper, _ in search(store, query, limit=160)]
    found = [paper.id for paper, _ in search(store, query, limit=160, nearness=nearness)]

    assert sorted(found) == sorted(by_words)
    assert found != by_words


def test_a_name_finds_papers_of_that_name_alone(learned):
    assert [each.title for each in found_in(learned, "Ada Vickrey", limit=50)] == ["Shading"]


@pytest.mark.parametrize(
    "within",
    [
        Within(categories=("econ",)),
        Within(categories=("econ.TH", "q-bio")),
        Within(source="nowhere"),
        Within(until=date(2026, 6, 1)),
        Within(since=date(2026, 6, 10), categories=("cs",)),
    ],
)
def test_what_is_near_is_narrowed_as_what_words_find(learned, within):
    store, _ = learned
    everything = {each.id for each, _ in search(store, "", within=within, limit=1_000)}

    found = found_in(learned, "bidders", within=within, limit=1_000)

    assert {each.id for each in found} <= everything
    assert bool(found) is (within.source == "")


@settings(max_examples=50)
@given(
    categories=st.lists(st.sampled_from(["cs", "cs.LG", "econ", "econ.TH", "c", "TH"]), max_size=2),
    source=st.sampled_from(["", "arxiv", "other"]),
    since=st.none() | st.dates(date(2026, 5, 31), date(2026, 6, 11)),
    until=st.none() | st.dates(date(2026, 5, 31), date(2026, 6, 11)),
)
def test_the_rule_for_a_paper_is_the_rule_of_the_store(learned, categories, source, since, until):
    store, _ = learned
    within = Within(categories=tuple(categories), source=source, since=since, until=until)
    some = ["arxiv:2601.00001", "arxiv:2601.00301", "arxiv:2601.00903"]
    announced = store.papers.announcements(some)

    by_rule = {
        key
        for key, paper in store.papers.get(some).items()
        if is_within(paper, announced[key], within)
    }

    found = {paper.id for paper, _ in store.papers.search("", limit=1_000, within=within)}
    assert by_rule == found & set(some)


def test_a_paper_that_never_was_news_is_on_no_day(learned):
    store, _ = learned
    paper = store.papers.get(["arxiv:2601.00001"])["arxiv:2601.00001"]
    revised = replace(
        store.papers.announcements([paper.id])[paper.id][0], type=AnnounceType.REPLACE
    )

    assert is_within(paper, [revised], Within())
    assert not is_within(paper, [revised], Within(since=date(1991, 1, 1)))


def test_what_is_near_comes_once_before_what_is_beyond_the_first_hits(learned, monkeypatch):
    monkeypatch.setattr(searching, "MOST_FUSED", 20)
    monkeypatch.setattr(searching, "MOST_NEAR", 40)
    whole = [each.id for each in found_in(learned, "galaxy dust orbit", limit=70)]

    assert len(whole) == len(set(whole)) > 50


def test_papers_of_a_rare_subject_are_similar_wherever_they_lie(learned, monkeypatch):
    store, nearness = learned
    monkeypatch.setattr(searching, "MOST_RELATED", 5)
    one, other = store.papers.get(["arxiv:2601.00904", "arxiv:2601.00901"]).values()

    found = similar(store, one, limit=5, nearness=nearness)

    assert other.id not in nearness.of_paper(one, most=5)
    assert other in found
    assert themes(each for each in found if each != other) == {4}


def test_similar_papers_need_share_no_pair_of_words(learned):
    store, nearness = learned
    paper = next(each for each in found_in(learned, "shading", limit=1))

    found = similar(store, paper, limit=20, nearness=nearness)

    assert len(found) == 20
    assert paper not in found
    assert themes(found) == {3}


def test_a_paper_of_unknown_words_is_like_what_shares_them(library, learned):
    _, nearness = learned
    clocks = library.papers.get(["arxiv:2606.00003"])["arxiv:2606.00003"]

    assert [each.id[-1] for each in similar(library, clocks, limit=3, nearness=nearness)] == ["4"]
