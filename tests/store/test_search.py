from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.model import AnnounceType
from digest.ports import Within
from digest.store import open_store
from digest.store.migrations import first_schema, strokes
from digest.store.search import MOST_CHARACTERS, MOST_TERMS, expressions
from digest.text import fold, without_strokes

ANYTHING = st.text(
    st.characters(exclude_categories=())
    | st.sampled_from("\"*()^:+-{}\0\\ 'NEAR,ANDORNOT title:")
    | st.sampled_from("\ud800\u0301"),
    max_size=80,
)


@pytest.fixture(scope="module")
def stored(new_store, make):
    """A store with these papers, made once for all tests that ask for the same; only to be read."""

    @lru_cache
    def of(*papers):
        store = new_store()
        store.papers.ingest([make.item(each) for each in papers])
        return store

    return of


@pytest.fixture(scope="module")
def titled(stored, make):
    """The same, with a paper for each of these titles, numbered from 1."""
    return lambda *titles: stored(*(make.paper(n, title=t) for n, t in enumerate(titles, start=1)))


@pytest.fixture(scope="module")
def library(stored, make):
    """Three papers that a search can tell apart."""
    return stored(
        make.paper(1, title="Diffusion models for molecules", authors=("Émile Noether",)),
        make.paper(2, title="Graphs", abstract="We apply diffusion to self-supervised learning."),
        make.paper(3, title="Transformers", abstract="Attention and retrieval, at last."),
    )


def numbers(found):
    return [int(paper.id[-5:]) for paper, _ in found]


def numbers_of(papers):
    return [int(paper.id[-5:]) for paper in papers]


@pytest.mark.parametrize(
    "query", ["Søren Jørgensen", "soren jorgensen", "SØREN", "jorgen*", "Łódź", "lodz", "strauss",
              "Strauß", "aeronaut", '"encyclopaedia of œuvres"', '"encyclopædia of oeuvres"']
)  # fmt: skip
def test_letters_with_a_stroke_are_found_as_people_type_them(stored, make, query):
    title = "Encyclopædia of Œuvres by the Æronaut of ŁÓDŹ"
    paper = make.paper(1, title=title, authors=("Søren Jørgensen", "J. Strauß"))
    store = stored(paper, make.paper(2))

    assert numbers(store.papers.search(query, limit=10)) == [1]


@pytest.mark.parametrize("query", ["eﬃcient ﬁne-tuning", '"ﬁne-tuning"', "eﬃci*", "CO₂"])
def test_what_was_copied_from_a_pdf_is_found(titled, query):
    store = titled("Efficient fine-tuning for CO₂ capture", "Tides")

    assert numbers(store.papers.search(query, limit=10)) == [1]


@pytest.mark.parametrize("query", ["eﬃcient ﬁne-tuning", '"ﬁne-tuning"'])
def test_a_listing_that_was_copied_from_a_pdf_is_found_as_it_is_written(titled, query):
    store = titled("Eﬃcient ﬁne-tuning of tides")

    assert numbers(store.papers.search(query, limit=10)) == [1]


def test_the_index_and_what_is_asked_of_it_take_the_same_letters_for_plain():
    letters = [chr(each) for each in range(0x80, 0x11000) if not 0xD800 <= each < 0xE000]
    plain = {each: told for each in letters if (told := without_strokes(each)) != each}

    assert plain == strokes.PLAIN
    assert all(fold(f"x{letter}y") == f"x{told}y" for letter, told in plain.items())


def test_what_was_stored_before_letters_were_taken_for_plain_is_found_after_it(tmp_path, make):
    path = tmp_path / "digest.db"
    store = open_store(path)
    store.migrate()
    store.papers.ingest([make.item(make.paper(1, title="Tides", authors=("Søren Bee",)))])
    with store._connections.write() as db:
        for name in ("insert", "delete", "update"):
            db.execute(f"DROP TRIGGER papers_fts_{name}")
        db.execute("DROP TABLE papers_fts")
        db.execute("DROP VIEW papers_searched")
        for statement in first_schema.SEARCH.strip().split("\n\n"):
            db.execute(statement)
        db.execute("INSERT INTO papers_fts (papers_fts) VALUES ('rebuild')")
        db.execute("DELETE FROM _sqlite_migrations WHERE name = ?", ("0009_strokes",))
    assert numbers(store.papers.search("soren", limit=9)) == []

    assert store.migrate() == ["0009_strokes"]

    assert numbers(store.papers.search("soren", limit=9)) == [1]
    assert numbers(store.papers.search("tide", limit=9)) == [1]
    store.close()


def test_the_index_keeps_nothing_of_a_paper_that_was_changed_or_is_gone(new_store, make):
    store = new_store()
    store.papers.ingest(
        [make.item(make.paper(each, title="Straße nach Łódź")) for each in (1, 2, 3)]
    )
    with store._connections.plain() as db:
        db.execute("UPDATE papers SET title = 'Œuvre' WHERE id = 'arxiv:2606.00001'")
        db.execute("DELETE FROM papers WHERE id = 'arxiv:2606.00002'")

        db.execute("INSERT INTO papers_fts (papers_fts, rank) VALUES ('integrity-check', 1)")

    assert numbers(store.papers.search("strasse", limit=9)) == [3]
    assert numbers(store.papers.search("oeuvre", limit=9)) == [1]


def test_a_title_weighs_more_than_an_abstract_and_scores_are_positive(library):
    found = library.papers.search("diffusion", limit=10)

    assert numbers(found) == [1, 2]
    assert found[0][1] > found[1][1] > 0


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("molecule", [1]),  # word stems
        ("emile", [1]),  # authors, without accents
        ("transf*", [3]),  # a prefix
        ('"graphs"', [2]),
        ('"diffusion models"', [1]),  # a phrase
        ('"diffusion models', [1]),  # with the closing quote forgotten
        ("“diffusion models”", [1]),  # in the quotes that phones type
        ("«models diffusion»", []),
        ("self-supervised", [2]),  # a hyphen is no operator
        ("title:graphs", []),  # nor is a column name
        ("attention retrieval", [3]),  # all of the words
        ("the attention of", [3]),  # but for those that are everywhere
        ("and", [3, 1]),  # unless there is nothing else
        ("tr*", []),  # two letters are no prefix, but a word
        ("", []),
        ("   ", []),
        ("!?*", []),
    ],
)
def test_what_people_type_finds_what_they_mean(library, query, expected):
    assert numbers(library.papers.search(query, limit=10)) == expected


def test_what_is_quoted_is_sought_as_far_as_its_last_whole_word(stored, make):
    text = "Interpretability of transformers remains unexplained. " * 20
    store = stored(make.paper(1, abstract=text))

    assert numbers(store.papers.search(f'"{text}"', limit=10)) == [1]


def test_any_of_the_words_will_do_when_no_paper_has_them_all(library):
    assert sorted(numbers(library.papers.search("graphs attention", limit=10))) == [2, 3]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('"diffusion models" attention', [1]),
        ("molecul* attention graphs", [1]),
        ("retriev* zebra", [3]),
        ('"models diffusion" attention', []),
        ("zebra* attention", []),
        ('"graphs" transf*', []),
    ],
)
def test_no_paper_lacks_a_phrase_or_a_prefix(library, query, expected):
    assert numbers(library.papers.search(query, limit=10)) == expected


def test_a_pasted_text_demands_nothing(library):
    pasted = 'Attention, and retrieval: "not in any paper" foo* ' + "word " * 12

    assert numbers(library.papers.search(pasted, limit=10)) == [3]


WORDS = """
activity analyses analysis Bayesian coding convergence copyright differentiable differential
embeddings filing formalization gene general generalizability generative graphical graphs happiness
hippocampus key keyword keys mapping memories memorize neural neurons oscillated oscillation
oscillators parties payment physics planning probabilistic probability queried query relational
relativity representation resonance retrieval retrieve solubility stability theories theory trying
éclairs
"""
BEGUN = WORDS.split()


@pytest.mark.parametrize("within", [None, Within(until=date.max), Within(source="arxiv")])
@pytest.mark.parametrize("word", BEGUN)
def test_a_prefix_finds_every_word_that_begins_so_however_long_it_is(titled, word, within):
    for length in range(3, len(word) + 1):
        begun = word[:length]

        found = titled(*BEGUN).papers.search(f"{begun}*", limit=99, within=within)

        expected = {each for each in BEGUN if each.casefold().startswith(begun.casefold())}
        assert {paper.title for paper, _ in found} == expected, begun


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("深層学*", [1]),
        ("機械学習*", [2]),
        ("학습데*", [3]),
        ("étu*", [4]),
        ("etude d*", [4]),
        ("gpt-4*", [5]),
        ("gpt-5*", []),
        ("etude-de*", [4]),
        ("c++-17*", [6]),
        ("c#-bas*", [7]),
        ("c-bas*", []),
    ],
)
def test_a_prefix_begins_a_word_in_any_script(titled, query, expected):
    titles = ["深層学習の研究", "機械学習 深層", "학습데이터의 검색", "Étude de GPT", "GPT-4o mini"]
    titles += ["On C++-17", "C#-based tools"]

    assert numbers(titled(*titles).papers.search(query, limit=9)) == expected


@pytest.mark.parametrize(
    "title", ["C++-based tools", "C# and C++", "Étude de GPT", "Das Maß der Güte", "GPT–4o’s œuvre"]
)
def test_a_title_is_found_by_any_beginning_of_it(titled, title):
    store = titled(title)

    for length in range(len(title.split()[0]), len(title) + 1):
        begun = "-".join(title[:length].split())
        if sum(map(str.isalnum, begun)) >= 3:
            for query in (begun, begun.lower()):
                assert numbers(store.papers.search(f"{query}*", limit=9)) == [1], query


def test_a_prefix_finds_a_revision_of_a_paper_that_was_never_new(new_store, make):
    store = new_store()
    revised = make.item(make.paper(2, title="Oscillations"), type=AnnounceType.REPLACE)
    store.papers.ingest([make.item(make.paper(1, title="Oscillators")), revised])

    assert sorted(numbers(store.papers.search("oscillat*", limit=9))) == [1, 2]


def test_the_limit_is_kept(library):
    assert len(library.papers.search("diffusion", limit=1)) == 1


@given(query=ANYTHING)
def test_no_text_whatever_is_an_error(library, query):
    for _, score in library.papers.search(query, limit=3):
        assert score > 0


def steps(query, **counts):
    """What is tried of a query where so many papers have its terms, and ten are ranked."""
    return list(expressions(query, lambda each: counts.get(each.strip('"'), 0), 10))


def tried(query):
    """The expressions by which a query ranks, where no paper has any of its terms."""
    return [expression for expression, _ in steps(query)]


@pytest.mark.parametrize(
    ("counts", "rarest"),
    [
        ({"typhoon": 3, "track": 20, "forecast": 90}, ['("typhoon")']),
        ({"typhoon": 3, "track": 7, "forecast": 90}, ['("typhoon" OR "track")']),
        ({"typhoon": 90, "track": 20, "forecast": 90}, ['("track")']),
        ({"typhoon": 0, "track": 9, "forecast": 90}, ['("track")']),
        ({"typhoon": 3, "track": 3, "forecast": 4}, []),
        ({"typhoon": 0, "track": 0, "forecast": 0}, []),
    ],
)
def test_the_rarest_words_are_tried_before_any_of_them(counts, rarest):
    everything, *others, anything = steps("typhoon track forecast", **counts)

    assert everything == ('"typhoon" AND "track" AND "forecast"',) * 2
    assert anything == ('("typhoon" OR "track" OR "forecast")',) * 2
    assert others == [(anything[0], each) for each in rarest]


def test_a_very_long_query_is_cut():
    everything, anything = tried(" ".join(f"w{number}" for number in range(1000)))

    assert everything.count(" AND ") == anything.count(" OR ") == MOST_TERMS - 1


@pytest.mark.parametrize("space", [" ", "\n", "\u3000", "\t"])
def test_a_long_query_keeps_its_words_whatever_parts_them(space):
    everything, _ = tried(space.join(["潮汐", *["深層学習"] * 120, "研究"]))

    assert everything == '"潮汐" AND "深層学習"'


def test_a_long_query_keeps_a_word_that_ends_where_it_is_cut():
    start = "tide " * 98 + "brass reef"

    assert len(start) == MOST_CHARACTERS
    assert tried(f"{start} gone")[0] == '"tide" AND "brass" AND "reef"'
    assert tried(f"{start}s")[0] == '"tide" AND "brass"'


def test_a_word_longer_than_a_query_may_be_is_cut_itself():
    assert tried(" " + "x" * MOST_CHARACTERS) == [f'"{"x" * (MOST_CHARACTERS - 1)}"']


def test_deleted_papers_are_not_found(new_store, make):
    store = new_store()
    store.papers.ingest([make.item(make.paper(1, title="A title to be deleted soon"))])

    make.prune(store, papers_before=date(2027, 1, 1))

    assert store.papers.search("deleted", limit=5) == []


# --- pages and filters ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shelves(new_store, make):
    """Six papers about graphs, a day apart: 1 to 3 in cs.LG, 4 and 5 in math.CO, 6 in a journal."""
    store = new_store()
    places = {4: ("math.CO", "cs.IT"), 5: ("math.CO",), 6: ("mathematics",)}
    for number in range(1, 7):
        paper = make.paper(
            number,
            title="Graphs" + " and more" * number,
            categories=places.get(number, ("cs.LG",)),
        )
        seen = make.day + timedelta(days=number)
        source = "journal" if number == 6 else "arxiv"
        store.papers.ingest([make.item(paper, day=seen.date(), seen_at=seen, source=source)])
    return store


def day(number):
    return date(2026, 6, 10 + number)


def test_no_more_is_found_than_is_asked_for_and_that_is_the_best(shelves):
    best = numbers(shelves.papers.search("graphs", limit=4))

    assert len(best) == 4
    assert numbers(shelves.papers.search("graphs", limit=9))[:4] == best


def test_a_search_that_finds_all_of_its_words_does_not_go_on_with_any_of_them(library):
    assert numbers(library.papers.search("diffusion molecules", limit=9)) == [1]


def test_a_prefix_within_few_papers_is_sought_in_all_of_them(shelves, monkeypatch):
    monkeypatch.setattr("digest.store.finding.MOST_EXAMINED", 2)
    within = Within(categories=("cs.IT", "mathematics"))

    found = shelves.papers.search("grap*", limit=9, within=within)

    assert sorted(numbers(found)) == [4, 6]


WITHIN = [
    (Within(categories=("cs.LG",)), [3, 2, 1]),
    (Within(categories=("cs.IT", "mathematics")), [6, 4]),
    (Within(categories=("math",)), [5, 4]),  # an archive, but not its namesake
    (Within(categories=("cs",)), [4, 3, 2, 1]),
    (Within(source="journal"), [6]),
    (Within(source="nowhere"), []),
    (Within(since=day(4)), [6, 5, 4]),
    (Within(until=day(2)), [2, 1]),
    (Within(until=date.max), [6, 5, 4, 3, 2, 1]),
    (Within(since=day(4), until=date.max), [6, 5, 4]),
    (Within(since=day(2), until=day(4)), [4, 3, 2]),
    (Within(since=day(4), until=day(2)), []),
    (Within(categories=("math.CO",), since=day(5)), [5]),
    (Within(categories=("cs.LG",), source="journal"), []),
    (Within(), [6, 5, 4, 3, 2, 1]),
]


@pytest.mark.parametrize("few", [2_000, 1, -1], ids=["by numbers", "mixed", "one by one"])
@pytest.mark.parametrize(("within", "expected"), WITHIN)
def test_a_search_is_narrowed_however_many_papers_pass(shelves, within, expected, few, monkeypatch):
    monkeypatch.setattr("digest.store.finding.FEW", few)

    found = shelves.papers.search("graphs", limit=9, within=within)
    everything = shelves.papers.search("", limit=9, within=within)

    assert sorted(numbers(found), reverse=True) == expected
    assert numbers(everything) == expected
    assert {score for _, score in everything} <= {0.0}


def test_nothing_that_can_be_searched_for_finds_nothing_within(shelves):
    assert shelves.papers.search("!?*", limit=9, within=Within()) == []


def test_of_what_many_papers_match_the_last_stored_are_ranked(shelves, monkeypatch):
    monkeypatch.setattr("digest.store.finding.MOST_RANKED", 3)

    found = shelves.papers.search("graphs", limit=9)

    assert numbers(found) == [4, 5, 6]  # a title with fewer words around it is a better match


@pytest.fixture
def storms(new_store, make, monkeypatch):
    """One old paper on typhoons and five on forecasts, of which the last is on tides; two are ranked."""
    monkeypatch.setattr("digest.store.finding.MOST_RANKED", 2)
    monkeypatch.setattr("digest.store.finding.MOST_OF_ANY", 2)
    store = new_store()
    titles = ["Typhoon tracks", *["Weather forecasts"] * 4, "Forecasts of tides"]
    for number, title in enumerate(titles, start=1):
        source = "journal" if number in {1, 6} else "arxiv"
        store.papers.ingest([make.item(make.paper(number, title=title), source=source)])
    return store


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("typhoon forecasts", [1]),
        ("typhoons, tides, forecasts", [1, 6]),
        ("typhoon cyclone forecasts", [1]),
        ('typhoon tides "forecasts"', [6]),
        ("weather forecasts", [4, 5]),  # all of the words
        ("cyclone forecasts", [5, 6]),
    ],
)
def test_a_word_that_few_papers_have_finds_them_among_many_newer_with_a_common_one(
    storms, query, expected
):
    assert sorted(numbers(storms.papers.search(query, limit=9))) == expected


def test_of_papers_that_can_all_be_ranked_none_is_left_out_for_its_common_word(storms):
    within = Within(source="journal")

    found = storms.papers.search("typhoon forecasts", limit=9, within=within)

    assert sorted(numbers(found)) == [1, 6]


def test_papers_with_the_rarest_words_are_ranked_by_all_of_them(titled, monkeypatch):
    monkeypatch.setattr("digest.store.finding.MOST_OF_ANY", 3)
    titles = [
        "Quantum error",
        "Please reply",
        "Quantum memory",
        *["Error bars"] * 10,
        *["Tides"] * 40,
    ]

    assert numbers(titled(*titles).papers.search("please quantum error", limit=9)) == [1, 2, 3]


# --- authors ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def by_these(stored, make):
    """The same, with a paper by each of these authors and another one."""
    return lambda *names: stored(
        *(make.paper(n, authors=("Bo Sämple", name)) for n, name in enumerate(names, start=1))
    )


@pytest.fixture(scope="module")
def authored(by_these):
    names = ["Jürgen Schmidhuber", "J. Schmidhuber", "Schmidhuber, Jürgen", "Anna Schmidhuber"]
    names += ["Conan O'Brien", "Łukasz Øksendal", "Wei Wang III", "Brien O.", "Mads O'Bødker"]
    return by_these(*names)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Jürgen Schmidhuber", [3, 2, 1]),
        ("schmidhuber j", [3, 2, 1]),
        ("Anna Schmidhuber", [4]),
        ("Conan O'Brien", [5]),
        ("Łukasz Øksendal", [6]),
        ("Wang, Wei", [7]),
        ("Mads O'Bødker", [9]),
        ("Nobody Here", []),
        ('"', []),
        ("", []),
    ],
)
def test_papers_of_an_author_are_found_by_any_way_to_write_the_name(authored, name, expected):
    assert numbers_of(authored.papers.by_author(name, limit=9)) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Hinrich Schütze", [4, 3, 2, 1]),
        ("Hinrich Schuetze", [4, 2, 1]),
        ("Hinrich Schutze", [3, 2]),
        ("Bäuerle, A.", [6, 5]),
        ("A. Baeuerle", [6, 5]),
        ("Tor Müller-Aagård", [7]),
        ("Tor Mueller-Aagaard", [7]),
        ("Li Xue", [8]),
        ("Li Xu", [9]),
    ],
)
def test_papers_of_an_author_are_found_with_umlauts_and_without(by_these, name, expected):
    names = ["Hinrich Schuetze", "Hinrich Schütze", "H. Schutze", "Schuetze, H.", "A. Bäuerle"]
    names += ["A. Baeuerle", "Tor Müller-Aagård", "Li Xue", "Li Xu"]

    assert numbers_of(by_these(*names).papers.by_author(name, limit=9)) == expected


def test_papers_of_an_author_are_limited_to_the_newest(authored):
    assert numbers_of(authored.papers.by_author("Jürgen Schmidhuber", limit=2)) == [3, 2]
    assert authored.papers.by_author("Jürgen Schmidhuber", limit=0) == []


@given(name=ANYTHING)
def test_no_name_whatever_is_an_error(authored, name):
    assert len(authored.papers.by_author(name, limit=3)) <= 3


# --- days -------------------------------------------------------------------------------------------


def test_days_count_papers_by_the_utc_day_they_could_first_be_read(shelves):
    assert shelves.papers.days(day(2), day(4)) == {day(2): 1, day(3): 1, day(4): 1}
    assert len(shelves.papers.days(date.min, date.max)) == 6
    assert shelves.papers.days(day(5), day(4)) == {}
    assert shelves.papers.days(date(2020, 1, 1), date(2020, 2, 1)) == {}


def test_days_of_an_empty_store_are_none(store):
    assert store.papers.days(date.min, date.max) == {}


def test_a_day_shows_what_could_first_be_read_on_it(store, make):
    night = make.day.replace(hour=23, minute=59)
    first = make.item(make.paper(1), seen_at=night, day=date(2026, 6, 11))
    crossed = {"type": AnnounceType.CROSS, "feed": "cs.AI", "day": date(2026, 6, 19)}
    store.papers.ingest(
        [
            first,
            make.item(make.paper(1), seen_at=make.day + timedelta(days=9), **crossed),
            make.item(make.paper(2), seen_at=make.day),
            make.item(make.paper(3), seen_at=make.day, type=AnnounceType.REPLACE),
            make.item(make.paper(4), seen_at=make.day + timedelta(days=1)),
        ]
    )

    found = store.papers.announced_on(date(2026, 6, 10))

    assert numbers_of(paper for paper, _ in found) == [2, 1]
    assert found[1][1] == first.announcement
    assert store.papers.announced_on(date(2026, 6, 9)) == []
