"""The index answers as `digest.matching` would, paper by paper."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from digest import matching
from digest.model import Paper, Topic
from digest.ranking.index import Index

words = st.lists(st.sampled_from(["tide", "tides", "clock", "brass", "bus"]), max_size=5)
phrases = st.lists(st.sampled_from(["tide", "Tide clock", "brass", "bus", "buss"]), max_size=2)
categories = st.lists(st.sampled_from(["cs.IR", "cs.CV", "math.OC", "hep-th"]), max_size=3)
followed = st.lists(st.sampled_from(["cs", "CS.ir", "math", "math.O", "hep-th"]), max_size=2)


@given(st.lists(st.tuples(words, words, categories), max_size=5), phrases, followed)
def test_a_topic_has_the_same_papers_by_index_and_by_rule(drawn, some_phrases, some_categories):
    papers = [
        Paper(id=str(n), title=" ".join(a), abstract=" ".join(b), categories=tuple(c))
        for n, (a, b, c) in enumerate(drawn)
    ]
    topic = Topic(id="t", name="T", categories=tuple(some_categories), phrases=tuple(some_phrases))

    found = Index(papers).in_topic(topic)

    assert found == {
        row
        for row, paper in enumerate(papers)
        if matching.in_topic(matching.folded(paper), paper.categories, topic)
    }
