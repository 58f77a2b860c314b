"""Papers as weighed words, against the field's own implementation."""

import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from digest.evaluation.words import Corpus, Recipe, terms, with_authors
from digest.model import Paper

TEXTS = [
    "A sourdough crust and a yeast oven",
    "Yeast, yeast and more yeast in the oven",
    "Galaxies of dust: the spectrum of a galaxy",
    "Dust on the telescope, dust in the oven",
    "Élan vital of the sourdough",
]


def papers(texts):
    return [Paper(id=f"p{number}", title="", abstract=text) for number, text in enumerate(texts)]


def test_terms_are_words_and_pairs_without_stop_words_and_accents():
    assert terms("The Élan of 3 dusty_ovens") == ["elan", "dusty_ovens", "elan dusty_ovens"]
    assert terms("") == terms("the of and") == []


def test_weights_are_those_of_scikit_learn():
    background, everything = papers(TEXTS[:4]), papers(TEXTS)
    corpus = Corpus(Recipe(texts=lambda paper: [paper.abstract]))
    corpus.learn(background, everything)

    theirs = TfidfVectorizer(analyzer=terms, sublinear_tf=True).fit(TEXTS[:4]).transform(TEXTS)

    assert corpus.matrix.shape == theirs.shape
    assert (corpus.matrix @ corpus.matrix.T).toarray() == pytest.approx(
        (theirs @ theirs.T).toarray(), abs=1e-6
    )


def test_only_the_most_frequent_terms_are_kept():
    everything = papers(TEXTS)
    corpus = Corpus(Recipe(texts=lambda paper: [paper.abstract], most=1))
    corpus.learn(everything, everything)
    assert corpus.matrix.toarray().ravel().tolist() == [1, 1, 0, 0, 0]  # yeast


def test_rare_and_common_terms_are_left_out_of_a_large_set():
    texts = [f"common w{number // 2} only{number}" for number in range(600)]
    everything = papers(texts)
    corpus = Corpus(Recipe(texts=lambda paper: [paper.abstract], rarest=2, commonest=0.5))

    corpus.learn(everything, everything)

    assert corpus.matrix.shape[1] == 600  # the 300 words in two papers, alone and after "common"


def test_authors_are_words_too_where_a_recipe_says_so():
    paper = Paper(id="p", title="On rye", abstract="Flour", authors=("Ada Example", "Bo Sample"))
    assert with_authors(paper) == ["On rye", "Flour", "Ada Example Bo Sample"]


def test_a_paper_that_is_not_in_the_corpus_is_weighed_when_it_is_asked_for():
    everything = papers(TEXTS)
    corpus = Corpus(Recipe(texts=lambda paper: [paper.abstract]))
    corpus.learn(everything, everything)

    rows = corpus.papers([Paper(id="new", title="", abstract=TEXTS[2]), everything[2]])

    assert (rows[[0]] - rows[[1]]).nnz == 0 or abs(rows[[0]] - rows[[1]]).max() < 1e-6


def test_papers_without_any_word_are_no_error():
    everything = papers(["", "the"])
    corpus = Corpus()
    corpus.learn(everything, everything)
    assert corpus.matrix.toarray().tolist() == [[0], [0]]
