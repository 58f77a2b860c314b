"""From people's words to interests and schedules."""

from datetime import UTC, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest import subscriptions
from digest.errors import InvalidInput, NotFound
from digest.model import FLOORS, Cadence, Quiet
from digest.subscriptions import Wishes


def test_every_kind_of_wish_becomes_an_interest(subscribe, interests):
    person = subscribe(
        topics=["CS.ir", "retrieval"],
        keywords=["  late   interaction "],
        authors=["Ada Lovelace"],
        likes=["https://arxiv.org/abs/2406.01234v2", "10.1101/2024.01.02.573"],
        queries=['"dual encoder" index'],
        mutes=["survey"],
        mute_authors=["Bo Sample"],
        mute_topics=["cs.cv"],
    )
    assert interests(person) == {
        ("topic", "cs.IR"),
        ("topic", "retrieval"),
        ("keyword", "late interaction"),
        ("author", "Ada Lovelace"),
        ("like", "arxiv:2406.01234"),
        ("like", "doi:10.1101/2024.01.02.573"),
        ("query", '"dual encoder" index'),
        ("mute", "survey"),
        ("mute-author", "Bo Sample"),
        ("mute-topic", "cs.CV"),
    }


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("2406.01234v3", "arxiv:2406.01234"),
        ("arxiv:2406.01234", "arxiv:2406.01234"),
        ("doi:10.1000/ABC", "doi:10.1000/abc"),
        (
            "https://www.biorxiv.org/content/10.1101/2024.01.02.573v1.full",
            "doi:10.1101/2024.01.02.573",
        ),
        (
            "https://www.medrxiv.org/content/10.1101/2024.01.02.573v2.full.pdf",
            "doi:10.1101/2024.01.02.573",
        ),
        ("https://dl.acm.org/doi/abs/10.1145/3397271.3401075?cid=1", "doi:10.1145/3397271.3401075"),
        ("https://link.example/article/10.1007%2Fs00799-024-1", "doi:10.1007/s00799-024-1"),
        (
            "https://journal.example/doi/10.1175/1520-0442(1997)010%3C0001:AB%3E2.0.CO;2",
            "doi:10.1175/1520-0442(1997)010<0001:ab>2.0.co;2",
        ),
        ("https://papers.example/arxiv/2406.01234v2/read", "arxiv:2406.01234"),
    ],
)
def test_a_paper_can_be_named_in_many_ways(text, key):
    assert subscriptions.paper_key(text) == key


def test_a_paper_whose_doi_has_a_semicolon_can_be_liked():
    doi = "10.1002/(sici)1097-4571(199009)41:6<391::aid-asi1>3.0.co;2-9"
    wishes = Wishes(likes=[doi])

    (liked,) = subscriptions.interests_of(wishes, topics={}, now=datetime(2026, 6, 10, tzinfo=UTC))

    assert liked.value == f"doi:{doi}"


@pytest.mark.parametrize(
    "text",
    ["", "a nice paper", "https://example.org/papers/7", "http://[", "ftp://x/10.1000/1", "10.1/x"],
)
def test_what_names_no_paper_is_refused(text):
    with pytest.raises(InvalidInput, match="neither an arXiv id"):
        subscriptions.paper_key(text)


@given(st.text(max_size=300))
def test_naming_a_paper_gives_a_key_or_a_sentence(text):
    try:
        key = subscriptions.paper_key(text)
    except InvalidInput:
        return
    assert key.startswith(("arxiv:", "doi:10."))
    assert subscriptions.paper_key(key) == key


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"topics": ["cs.XX"]}, "There is no topic 'cs.XX'"),
        ({"topics": ["retriev"]}, "Did you mean"),
        ({"topics": ["medRxiv: HIV/AIDS care"]}, r"Did you mean medrxiv:hiv-aids-care\?"),
        ({"topics": ["cs: LG"]}, "lists them all"),
        ({"mute_topics": ["cs.XX"]}, "There is no topic 'cs.XX'"),
        ({"likes": ["a nice paper"]}, "neither an arXiv id"),
        ({"keywords": [" "]}, "between 1 and 200"),
        ({"keywords": ["x" * 201]}, "between 1 and 200"),
        ({"keywords": ["\u202e"]}, "between 1 and 200"),
        ({"keywords": ["one; two"]}, "as two"),
        ({"keywords": ["the"]}, "'the' does not tell papers apart"),
        ({"keywords": ["maps", "R"]}, "'R' does not tell papers apart"),
        ({"mutes": ["of the"]}, "'of the' does not tell papers apart"),
        ({"keywords": [f"word {n}" for n in range(2001)]}, "2000 interests"),
        ({"keywords": ["x"], "weight": 0.0}, "from 0.1 to 5"),
        ({"keywords": ["x"], "weight": float("nan")}, "from 0.1 to 5"),
        ({"limit": 0}, "between 1 and 50"),
        ({"cadence": "hourly"}, "daily, weekdays, weekly"),
        ({"quiet": "loud"}, "'line' or 'nothing'"),
        ({"floor": "high"}, "any, likely, sure, or a chance from 0 to 1"),
        ({"floor": "1.5"}, "any, likely, sure, or a chance from 0 to 1"),
        ({"floor": "120%"}, "any, likely, sure, or a chance from 0 to 1"),
        ({"tz": "Mars/Olympus"}, "Mars/Olympus"),
        ({"at": "25:00"}, "25:00"),
        ({"name": "x" * 61}, "at most 60"),
        ({"name": "buy at www.example.org"}, "no address"),
    ],
)
def test_a_wish_that_cannot_be_met_says_what_would_do(store, subscribe, wishes, words):
    with pytest.raises((InvalidInput, NotFound), match=words):
        subscribe(**wishes)
    assert store.subscribers.by_email("ada@example.org") is None


@pytest.mark.parametrize("keyword", ["注意", "學", "графы", "λ", "C++", "the moon"])
def test_a_keyword_may_be_in_any_script(subscribe, interests, keyword):
    assert interests(subscribe(keywords=[keyword])) == {("keyword", keyword)}


def test_a_weight_is_that_of_all_that_is_named(subscribe, profile):
    person = subscribe(topics=["cs.IR"], keywords=["maps"], weight=2.5)
    assert {each.weight for each in profile(person)} == {2.5}


def test_a_day_by_name_means_weekly_on_that_day(defaults):
    person = subscriptions.with_schedule(
        defaults, Wishes(cadence="Fri", quiet="nothing", limit=3, at="18:00")
    )
    assert (person.cadence, person.weekday) == (Cadence.WEEKLY, 4)
    assert (person.quiet, person.limit, person.at) == (Quiet.NOTHING, 3, time(18))
    assert subscriptions.with_schedule(person, Wishes()) == person


@pytest.mark.parametrize(
    ("words", "floor", "name"),
    [
        ("any", 0.0, "any"),
        (" Likely ", FLOORS["likely"], "likely"),
        ("sure", FLOORS["sure"], "sure"),
        ("0", 0.0, "any"),
        ("0.25", 0.25, "0.25"),
        (".5", 0.5, "0.5"),
        ("20 %", 0.2, "0.2"),
        ("100%", 1.0, "1"),
    ],
)
def test_a_floor_is_a_name_or_a_chance(defaults, words, floor, name):
    person = subscriptions.with_schedule(defaults, Wishes(floor=words))
    assert person.floor == floor
    assert subscriptions.floor_name(floor) == name
    assert subscriptions.with_schedule(defaults, Wishes(floor=name)).floor == floor


def test_a_name_is_cleaned_and_shown_only_if_wished(defaults):
    person = subscriptions.asked_for(defaults, Wishes(name=" Ada\u202e  Example ", shows_name=True))
    assert (person.name, person.shows_name) == ("Ada Example", True)
    assert subscriptions.asked_for(person, Wishes(name="")).name == ""
