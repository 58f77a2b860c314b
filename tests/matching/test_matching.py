"""Topics, phrases and names: the rules that ranking and feeds share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.matching import (
    agree,
    folded,
    given_name,
    in_query,
    in_topic,
    is_named,
    is_pasted,
    mentions,
    query_parts,
    searched,
    telling,
    topic_of,
)
from digest.model import Paper, Topic
from digest.text import fold

TOPIC = Topic(
    id="t", name="T", categories=("cs.IR", "math"), phrases=("Dual Encoder",), keywords=("search",)
)


@pytest.mark.parametrize(
    ("text", "categories", "inside"),
    [
        ("", ["cs.IR"], True),
        ("", ["cs.LG", "CS.ir"], True),
        ("", ["math.OC"], True),
        ("", ["math"], True),
        ("", ["cs.IRX", "maths"], False),
        ("we train a dual encoder", [], True),
        ("we train dual encoders", [], True),
        ("we search", [], False),
        ("the individual encoder", [], False),
        ("", [], False),
    ],
)
def test_a_paper_is_in_a_topic_by_category_archive_or_phrase(text, categories, inside):
    assert in_topic(text, categories, TOPIC) is inside


def test_a_phrase_is_not_put_together_from_title_and_abstract():
    paper = Paper(id="p", title="A dual", abstract="Encoder: the story")

    assert not in_topic(folded(paper), paper.categories, TOPIC)


@pytest.mark.parametrize(
    ("text", "phrase", "found"),
    [
        ("large language models", "language model", True),
        ("a language model", "language models", True),
        ("loss", "los", False),
        ("los", "loss", False),
        ("gpus", "gpu", True),
        ("anything", "", False),
        ("大规模语言模型综述", "综述", True),
    ],
)
def test_a_phrase_is_found_in_either_number(text, phrase, found):
    assert mentions(text, phrase) is found


@pytest.mark.parametrize(
    ("query", "parts"),
    [
        ('Graph "neural networks" for X-rays', ("graph", "neural networks", "x rays")),
        ('"open phrase', ("open phrase",)),
        ("“curly ones” of phones", ("curly ones", "phones")),
        ("„low ones“ «angular ones» ＂wide ones＂", ("low ones", "angular ones", "wide ones")),
        ("closed” behind a word", ("closed", "behind", "word")),
        ('“mixed ones" don’t', ("mixed ones", "don t")),
        ("the of", ("the", "of")),
        ('"the"', ("the",)),
        ("transf* ab*", ("transf*", "ab")),
        ("a A a", ("a",)),
        ('?! "" -', ()),
    ],
)
def test_a_query_demands_its_words_and_quoted_phrases(query, parts):
    assert query_parts(query) == parts


def test_a_query_holds_only_where_all_of_it_stands():
    paper = Paper(id="p", title="Graphs of networks", abstract="We learn.", authors=("Émile Ek",))
    text = searched(paper)

    assert in_query(text, "graph networks émile")
    assert in_query(text, 'learn "graphs of networks" net*')
    assert not in_query(text, '"networks of graphs"')
    assert not in_query(text, '"networks we"')
    assert not in_query(text, "graph tide")
    assert not in_query(text, "")
    assert in_query(fold("大规模语言模型综述 (BERT)"), '语言 bert "模型综述" 大规模*')


def test_a_prefix_begins_a_word_also_where_a_phrase_may_stand_anywhere():
    text = fold("機械学習の研究 하습니다")

    assert in_query(text, "学習")
    assert in_query(text, "機械学*")
    assert not in_query(text, "械学習*")
    assert in_query(text, "하습*")
    assert not in_query(text, "하스*")


@pytest.mark.parametrize(
    ("query", "pasted"),
    [
        ("one word " * 8, False),
        ("one word " * 8 + "more", True),
        (' "one word ' * 9, False),
        (" “one word " * 9, False),
        ("", False),
    ],
)
def test_a_text_of_more_than_sixteen_words_was_pasted_unless_it_is_quoted(query, pasted):
    assert is_pasted(query) is pasted


@pytest.mark.parametrize(
    "phrase",
    ["the", "Of", "how", "between two", "to be", "R", "3", "+++", " ", "", "の", "ﾉ", "が", "ー"],
)
def test_words_of_grammar_and_one_letter_tell_no_papers_apart(phrase):
    assert telling(phrase) == ""


@pytest.mark.parametrize(
    ("phrase", "folded"),
    [
        ("the Moon", "the moon"),
        ("C++", "cplusplus"),
        ("Q&A", "q a"),
        ("3D", "3d"),
        ("λ", "λ"),
        ("學", "學"),
        ("もの", "もの"),
        ("графы", "графы"),
    ],
)
def test_any_other_phrase_tells_papers_apart_in_whatever_script(phrase, folded):
    assert telling(phrase) == folded


def test_a_topic_is_named_where_it_is_more_than_a_category():
    assert is_named(Topic(id="bread", name="Bread", phrases=("sourdough",)))
    assert is_named(Topic(id="quant", name="Quantum", categories=("quant-ph",)))
    assert not is_named(Topic(id="cs.IR", name="Information Retrieval", categories=("cs.IR",)))


def test_an_unknown_topic_is_a_category():
    assert topic_of("bread", {"bread": TOPIC}) is TOPIC
    assert topic_of("q-bio.NC", {}).categories == ("q-bio.NC",)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("Jürgen Schmidhuber", "jurgen"),
        ("Schmidhuber, Jürgen", "jurgen"),
        ("J. Schmidhuber", "j"),
        ("Schmidhuber J", "j"),
        ("Yu-Chen Lin", "yuchen"),
        ("John Smith, Jr.", "john"),
        ("Plato", ""),
        ("", ""),
    ],
)
def test_the_given_name_is_found_in_every_usual_form(name, given):
    assert given_name(name) == given


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("wei", "wei", True), ("w", "wei", True), ("wei", "wen", False), ("w", "v", False)],
)
def test_full_given_names_must_be_equal_and_initials_only_agree(one, other, same):
    assert agree(one, other) is same
    assert agree(other, one) is same


@given(st.text(), st.text())
def test_any_text_whatever_can_be_asked_about(title, phrase):
    topic = Topic(id=phrase, name=phrase, categories=(phrase,), phrases=(phrase,))

    assert in_topic(folded(Paper(id="p", title=title)), (phrase,), topic)
    assert isinstance(given_name(title), str)
    assert in_query(fold(title), phrase) in {True, False}
