"""What is told from a form, and the choice of topics."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from digest import subscriptions
from digest.model import Interest, InterestKind, Subscriber, Topic
from digest.web import choosing, forms

NOW = datetime(2026, 6, 10, 7, tzinfo=UTC)
DEFAULTS = Subscriber(id="", email="", key="", created_at=NOW)
TOPICS = {
    "retrieval": Topic(id="retrieval", name="Retrieval", categories=("cs.IR",), phrases=("dense",)),
    "cs.IR": Topic(id="cs.IR", name="Information Retrieval", categories=("cs.IR",), group="CS"),
    "cs.CV": Topic(id="cs.CV", name="Computer Vision", categories=("cs.CV",), group="CS"),
    "math.GT": Topic(id="math.GT", name="Topology", categories=("math.GT",), group="Maths"),
    "math.AG": Topic(id="math.AG", name="Geometry", categories=("math.AG",), group="Maths"),
    "quant-ph": Topic(id="quant-ph", name="Quantum", categories=("quant-ph",), group="Quantum"),
}


def filled(query, *, strict=True):
    form = forms._form(QueryParams(query), posted=True)
    return forms.filled(form, topics=TOPICS, to=DEFAULTS, now=NOW, strict=strict)


@pytest.mark.parametrize(
    ("text", "name", "values"),
    [
        ("one, two\nthree;four", "keywords", ("one", "two", "three", "four")),
        (" one ,, one\r\n\r\n", "keywords", ("one",)),
        ("Mira Quennell, Osei Tandoh", "authors", ("Mira Quennell", "Osei Tandoh")),
        ("Quennell, Mira\nOsei Tandoh", "authors", ("Quennell, Mira", "Osei Tandoh")),
        ('"one, two" three\nfour', "queries", ('"one, two" three', "four")),
        ("大语言模型，强化学习；机器翻译", "keywords", ("大语言模型", "强化学习", "机器翻译")),
        ("強化学習、ロボット", "mutes", ("強化学習", "ロボット")),
        ("王伟，李娜、Quennell, Mira", "authors", ("王伟", "李娜", "Quennell, Mira")),
        ("综述，机器翻译", "queries", ("综述，机器翻译",)),
        ("", "mutes", ()),
    ],
)
def test_lists_are_split_where_people_mean_it(text, name, values):
    assert forms.split(text, name) == values


def test_a_line_of_the_profile_is_kept_whole_and_other_lines_are_split():
    found = forms.split("dense, sparse\none, two", "keywords", kept={"dense, sparse"})
    assert found == ("dense, sparse", "one", "two")


@settings(max_examples=50)
@given(st.text(max_size=200), st.sampled_from(list(forms.LISTS)))
def test_whatever_is_typed_comes_to_values_that_are_split_no_further(text, name):
    values = forms.split(text, name)
    assert all(each == each.strip() and each for each in values)
    assert forms.split("\n".join(values), name) == values


@settings(max_examples=50)
@given(
    st.dictionaries(
        st.sampled_from([*forms.LISTS, "likes", *forms.SCHEDULE]), st.text(max_size=80), max_size=6
    )
)
def test_no_form_is_ever_an_exception(typed):
    for strict in (True, False):
        form = forms.Form(fields={name: (text,) for name, text in typed.items()})
        found = forms.filled(form, topics=TOPICS, to=DEFAULTS, now=NOW, strict=strict)
        assert set(found.errors) <= {*forms.LISTS, "likes", *forms.SCHEDULE}


def test_values_of_a_profile_read_back_as_the_same_profile():
    kept = [
        Interest(kind=InterestKind.KEYWORD, value="dense retrieval", added_at=NOW),
        Interest(kind=InterestKind.AUTHOR, value="Quennell, Mira", added_at=NOW),
        Interest(kind=InterestKind.QUERY, value="a, b", added_at=NOW),
    ]
    values = forms.interest_values(kept)
    read = {name: forms.split(text, name) for name, text in values.items() if text}
    assert read == {
        "keywords": ("dense retrieval",),
        "authors": ("Quennell, Mira",),
        "queries": ("a, b",),
    }


def test_what_is_wrong_stands_under_its_field_and_the_rest_is_used():
    found = filled("keywords=good&at=noonish&topics=cs.XX&topics=cs.IR&limit=3")
    assert set(found.errors) == {"at", "topics"}
    assert found.values["at"] == "noonish"
    assert (found.wishes.keywords, found.wishes.topics, found.wishes.limit) == (
        ("good",),
        ("cs.IR",),
        3,
    )


def test_an_address_that_others_made_is_used_as_far_as_it_goes():
    found = filled("keywords=good&at=noonish&topics=cs.XX", strict=False)
    assert found.errors == {}
    assert found.values["at"] == "07:00"
    assert found.wishes.keywords == ("good",)


def test_a_list_without_end_is_refused():
    found = filled("keywords=" + ",".join(f"word{n}" for n in range(2_001)))
    assert "at most 2,000" in found.errors["keywords"]


def test_no_text_is_cut_however_long():
    searches = "\n".join(
        f"how things number {n:04} come to be what they are, " * 3 for n in range(2_000)
    )
    form = forms.Form(fields={"queries": (searches,)})
    found = forms.filled(form, topics=TOPICS, to=DEFAULTS, now=NOW)
    assert found.errors == {}
    assert "\n".join(found.wishes.queries) == searches.replace(" \n", "\n").rstrip()
    assert found.values["queries"] == searches


LIBRARY = "\n".join(f"2406.{n:05}" for n in range(2_000))


def test_a_library_is_taken_as_far_as_the_profile_has_room_beside_what_else_was_typed():
    typed = {"likes": (LIBRARY,), "keywords": ("maps, reefs",), "topics": ("cs.IR",)}
    found = forms.filled(forms.Form(fields=typed), topics=TOPICS, to=DEFAULTS, now=NOW)
    assert found.errors == {}
    assert found.wishes.keywords == ("maps", "reefs")
    assert len(subscriptions.interests_of(found.wishes, topics=TOPICS, now=NOW)) == 2_000
    assert found.wishes.likes[-1] == "arxiv:2406.01996"
    assert found.notes == (
        "1,997 of 2,000 example papers were taken: a profile can hold 2,000 interests.",
    )
    assert found.values["likes"] == LIBRARY


def test_a_library_pasted_and_sent_at_once_is_taken_as_far_as_there_is_room():
    form = forms.Form(
        fields={"likes": ("2405.00001",)}, file=LIBRARY.encode(), file_name="library.txt"
    )
    found = forms.filled(form, topics=TOPICS, to=DEFAULTS, now=NOW)
    assert found.errors == {}
    assert (len(found.wishes.likes), found.wishes.likes[0]) == (2_000, "arxiv:2405.00001")
    assert "2,000 of 2,001 example papers were taken" in found.notes[-1]


def test_more_than_a_profile_holds_in_all_is_said_beside_the_longest_list():
    typed = {
        "keywords": (",".join(f"word{n}" for n in range(1_500)),),
        "queries": ("\n".join(f"search {n}" for n in range(600)),),
        "likes": ("2406.00001",),
    }
    found = forms.filled(forms.Form(fields=typed), topics=TOPICS, to=DEFAULTS, now=NOW)
    assert found.errors == {
        "keywords": "That is 2,100 with everything else you typed; a profile can hold 2,000."
    }
    assert found.values["keywords"] == typed["keywords"][0]


def test_named_topics_come_first_then_what_most_people_follow():
    groups = choosing.groups(TOPICS, followed={"math.AG": 5, "cs.CV": 2})
    assert [each.name for each in groups] == ["Themes", "Maths", "CS", "Further subjects"]
    assert groups[0].open


def test_words_narrow_the_choice_to_topics_that_have_them_all():
    groups = choosing.groups(TOPICS, words="comp VISION", chosen=["math.GT"])
    assert [box.topic.id for group in groups for box in group.boxes if box.shown] == [
        "cs.CV",
        "math.GT",
    ]
    assert sum(group.found for group in groups) == 1


def test_a_chosen_topic_without_a_name_is_not_lost():
    groups = choosing.groups(TOPICS, chosen=["biorxiv:neuroscience"])
    assert groups[-1].ticked == ("biorxiv:neuroscience",)


def test_every_zone_can_be_chosen_once():
    names = [name for zones in choosing.zones().values() for name in zones]
    assert len(names) == len(set(names))
    assert {"UTC", "Europe/Prague", "America/Argentina/Salta"} <= set(names)
