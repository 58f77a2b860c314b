"""What lies near a text or a paper, of a few hundred papers of five themes."""

from __future__ import annotations

import numpy as np
import pytest

from digest.model import Paper
from digest.ranking import nearness, space
from digest.ranking.nearness import gather

PROTEINS, GRAPHS, ORBITS, MARKETS, SPEECH = range(5)


def theme(paper_id):
    return int(paper_id[-5:]) % 5


@pytest.fixture(scope="module")
def papers(archive):
    return [each.paper for each in archive(range(600))]


@pytest.fixture(scope="module")
def learned(papers):
    return space.learn(papers)


@pytest.fixture(scope="module")
def vectors(papers, learned):
    rows = learned.dense(learned.tfidf(space.terms_of(each) for each in papers))
    return list(zip((each.id for each in papers), space.pack(rows), strict=True))


@pytest.fixture(scope="module")
def near(learned, vectors):
    return gather(learned, vectors)


def test_what_is_near_a_text_is_of_its_theme_nearest_first(near):
    found = near.of_text("the telescope and the galaxy", most=30)

    assert len(found) == 30
    assert {theme(each) for each in found} == {ORBITS}
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert all(nearness.LEAST <= each <= 1.001 for each in found.values())


@pytest.mark.parametrize("text", ["", "zzyzx", "the of and", "???"])
def test_nothing_is_near_a_text_of_which_no_word_is_known(near, text):
    assert near.of_text(text, ["arxiv:2601.00001"], most=9) == {}


def test_hits_are_told_too_however_far_they_are(near):
    hits = [f"arxiv:2601.{number:05}" for number in (*range(2, 102, 5), MARKETS)]

    found = near.of_text("telescope galaxy dust", [*hits, "arxiv:9999.00001"], most=3)

    assert set(hits) <= found.keys() <= {*hits, *near.ids}
    assert list(found)[-1] == hits[-1]
    assert found[hits[-1]] < nearness.LEAST


def test_what_words_found_says_what_the_text_is_about(near):
    hits = [f"arxiv:2601.{number:05}" for number in range(3, 60, 5)]

    alone = near.of_text("galaxy", most=20)
    led = near.of_text("galaxy", hits, most=20)

    assert {theme(each) for each in alone} == {ORBITS}
    assert MARKETS in {theme(each) for each in led if each not in hits}


def test_what_is_near_a_paper_is_of_its_theme_and_not_itself(near, papers):
    found = near.of_paper(papers[4], most=25)

    assert len(found) == 25
    assert {theme(each) for each in found} == {SPEECH}
    assert papers[4].id not in found


def test_a_paper_without_a_vector_is_placed_by_its_text(near):
    new = Paper(id="arxiv:2602.00001", title="Bids", abstract="An auction and its welfare.")
    unknown = Paper(id="arxiv:2602.00002", title="???")

    assert {theme(each) for each in near.of_paper(new, most=9)} == {MARKETS}
    assert near.of_paper(unknown, most=9) == {}


def test_telling_words_are_rare_ones_of_the_title_or_repeated(near):
    paper = Paper(
        id="new",
        title="Lilypond and the galaxy",
        abstract="The dust of a galaxy. Dust has a zither; its telescope has none.",
    )

    found = near.telling(paper, most=9)

    assert set(found) == {"lilypond", "galaxy", "dust"}
    assert found[0] == "lilypond", "no paper has it"
    assert near.telling(paper, most=1) == ["lilypond"]
    assert near.telling(Paper(id="blank", title="???"), most=9) == []


def test_papers_are_in_the_order_of_shared_words_rare_ones_first_and_of_direction(near, learned):
    def titled(title):
        return Paper(id=title, title=title)

    rare, common = (learned.terms[at] for at in (np.argmax(learned.idf), np.argmin(learned.idf)))
    asked = titled(f"{rare} {common} galaxy")
    others = [titled(each) for each in ("auction", "telescope orbit dust", common, rare)]

    assert [each.id for each in near.ordered(asked, others)] == [
        rare,
        common,
        "telescope orbit dust",
        "auction",
    ]
    assert near.ordered(asked, []) == []


def test_a_byte_a_dimension_keeps_cosines_and_the_order(near, learned, vectors):
    exact = space.directions(space.unpack([each for _, each in vectors]))
    asked = learned.dense(learned.tfidf([space.terms("residue energy of protein structure")]))[0]
    cosines = exact @ asked

    found = near.of_text("residue energy of protein structure", most=50)

    place = {paper_id: at for at, (paper_id, _) in enumerate(vectors)}
    assert np.allclose([cosines[place[each]] for each in found], list(found.values()), atol=0.01)
    best = {vectors[at][0] for at in np.argsort(-cosines)[:50]}
    assert len(best & found.keys()) >= 47
    assert near.codes.nbytes == len(vectors) * learned.dimensions


def test_papers_are_gathered_a_part_at_a_time(learned, vectors, near, monkeypatch):
    monkeypatch.setattr(nearness, "READ_AT_ONCE", 7)

    again = gather(learned, iter(vectors))

    assert again.ids == near.ids
    assert np.array_equal(again.codes, near.codes)
    found, expected = (each.of_text("graph node", most=9) for each in (again, near))
    assert found == pytest.approx(expected)


def test_few_papers_and_papers_without_a_word_are_no_harm(learned, vectors):
    nowhere = space.pack(np.zeros((1, learned.dimensions), np.float32))[0]

    assert gather(learned, []).of_text("galaxy", most=9) == {}
    few = gather(learned, [vectors[ORBITS], ("blank", nowhere)])
    assert few.of_text("galaxy", ["blank"], most=9) == pytest.approx(
        {vectors[ORBITS][0]: few.of_text("galaxy", most=1)[vectors[ORBITS][0]], "blank": 0}
    )
    assert few.of_paper(Paper(id="blank", title=""), most=9) == {}


def test_only_papers_near_by_their_first_axes_are_compared_in_full(near, monkeypatch):
    every = near.of_text("speaker and phoneme", most=30)

    monkeypatch.setattr(nearness, "MOST_COMPARED", 200)
    some = near.of_text("speaker and phoneme", ["arxiv:2601.00000"], most=30)
    again = near.of_text("speaker and phoneme", most=30)

    assert "arxiv:2601.00000" in some
    assert len(again) == 30
    assert len(again.keys() & every.keys()) >= 27
    assert all(again[each] == pytest.approx(every[each]) for each in again.keys() & every.keys())
