"""Which feeds there are and what each holds: through the real store, document by document."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from digest.model import (
    AnnounceType,
    Moderation,
    Site,
    Status,
    Submission,
    SubmissionState,
    Subscriber,
    Topic,
)
from digest.pipeline.catalogue import Catalogue, Terms

SITE = Site(name="Papers", url="https://papers.example")
NOW = datetime(2026, 6, 11, 9, tzinfo=UTC)
TOPICS = {
    each.id: each
    for each in (
        Topic(id="cs.IR", name="Information Retrieval", categories=("cs.IR",)),
        Topic(id="cs.LG", name="Machine Learning", categories=("cs.LG",)),
        Topic(id="owls", name="Owls", phrases=("owl", "night bird")),
    )
}
TERMS = Terms(topics=TOPICS, site=SITE, days=14, limit=100, hub="https://hub.example/")


@pytest.fixture
def announce(store, item):
    """Stores papers by number, day of June 2026 and category."""

    def add(number, day, category="cs.IR", title=""):
        seen = datetime(2026, 6, day, 4, tzinfo=UTC)
        made = item(number, category=category, title=title, seen_at=seen)
        store.papers.ingest([made])
        return made.paper.id

    return add


def catalogue(store, now=NOW, **changes):
    return Catalogue(store, replace(TERMS, **changes), now)


def read(document):
    return json.loads(document)


def ids(document):
    return [each["_digest"]["id"] for each in read(document)["items"]]


# --- which there are --------------------------------------------------------------------------


def test_there_are_trending_picks_named_topics_and_categories_in_use(store, announce):
    announce(1, 10, "cs.IR")
    announce(2, 10, "q-bio.NC")
    slugs = [feed.info.slug for feed in catalogue(store).feeds]
    assert slugs == [
        *("trending", "trending-day", "trending-week", "trending-month", "picks"),
        *("owls", "cs.IR", "q-bio.NC"),
    ]


def test_a_known_topic_without_papers_has_a_feed_though_it_is_not_listed(store):
    found = catalogue(store).find("cs.LG")
    assert found.info.title == "Machine Learning (cs.LG) · Papers"
    assert ids(catalogue(store).document(found, "json")) == []
    assert catalogue(store).find("cs.NONE") is None


def test_a_topic_cannot_take_the_address_of_another_feed(store):
    topics = {"picks": Topic(id="picks", name="Locks", phrases=("lock picking",))}
    (found,) = [each for each in catalogue(store, topics=topics).feeds if each.info.slug == "picks"]
    assert found.topic is None


def test_of_categories_that_share_an_address_the_one_in_use_has_it(store, item):
    before, papers = NOW - timedelta(days=90), store.papers
    papers.ingest([item(1, category="lab:fog maps", seen_at=before)])
    papers.ingest([item(2, category="lab:fog-maps", seen_at=NOW)])
    papers.ingest([item(3, category="Machine Learning", seen_at=before)])
    papers.ingest([item(4, category="machine learning", seen_at=NOW)])
    feeds = catalogue(store)

    assert [feeds.find(each.info.slug) for each in feeds.feeds] == feeds.feeds
    assert ids(feeds.document(feeds.find("lab-fog-maps"), "json")) == ["arxiv:2606.00002"]
    assert feeds.spelled("MACHINE-learning") == "machine-learning"


# --- what they hold ---------------------------------------------------------------------------


def test_a_topic_holds_its_categories_or_what_mentions_its_phrases(store, announce):
    ir = announce(1, 10, "cs.IR")
    owl = announce(2, 10, "q-bio.NC", "What the owls hear at night")
    made = catalogue(store)
    assert ids(made.document(made.find("cs.IR"), "json")) == [ir]
    assert ids(made.document(made.find("owls"), "json")) == [owl]


def test_a_feed_holds_the_newest_up_to_a_count_and_an_age(store, announce):
    for number in range(1, 7):
        announce(number, 12 - number)
    newest_first = [f"arxiv:2606.{number:05}" for number in range(1, 7)]
    whole = catalogue(store)
    assert ids(whole.document(whole.find("cs.IR"), "json")) == newest_first
    few = catalogue(store, limit=2)
    assert ids(few.document(few.find("cs.IR"), "json")) == newest_first[:2]
    young = catalogue(store, days=3)
    assert ids(young.document(young.find("cs.IR"), "json")) == newest_first[:3]


@pytest.mark.parametrize("slug", ["cs.IR", "owls"])
def test_what_came_last_is_shown_in_full_and_before_it_no_more_than_the_limit(
    store, announce, slug
):
    old = [announce(number, 8, title=f"Owl {number}") for number in range(1, 10)]
    new = [announce(number, 10, title=f"Owl {number}") for number in range(10, 16)]
    made = catalogue(store, limit=4)
    assert ids(made.document(made.find(slug), "json")) == new
    made = catalogue(store, limit=8)
    assert ids(made.document(made.find(slug), "json")) == new + old[:2]


def test_another_source_an_hour_later_hides_nothing_of_the_list_before_it(store, announce, item):
    listed = [announce(number, 10) for number in range(1, 6)]
    late = item(9, seen_at=datetime(2026, 6, 11, 1, tzinfo=UTC))
    store.papers.ingest([late])
    made = catalogue(store, limit=2)
    assert ids(made.document(made.find("cs.IR"), "json")) == [late.paper.id, *listed]


def test_no_more_of_what_came_at_once_is_shown_than_a_reader_can_take(store, announce, monkeypatch):
    monkeypatch.setattr("digest.pipeline.catalogue.MOST_NEW", 4)
    for number in range(1, 8):
        announce(number, 10, title=f"Owl {number}")
    made = catalogue(store, limit=2)
    for slug in ("cs.IR", "owls"):
        assert len(ids(made.document(made.find(slug), "json"))) == 4


def test_a_search_that_is_followed_has_the_newest_however_well_older_ones_match(
    store, item, monkeypatch
):
    monkeypatch.setattr("digest.pipeline.catalogue.MOST_HITS", 12)

    def seen(number, day, title):
        at = datetime(2026, 6, day, 4, tzinfo=UTC)
        store.papers.ingest([item(number, title=title, seen_at=at)])

    for number in range(1, 20):
        seen(number, 1, f"Owl owl owl {number}")
    for number in range(20, 25):
        seen(number, 11, f"On the flight and the hearing of an owl and other birds {number}")
    made = catalogue(store, limit=10)
    found = made.search("owl", None, made.find("owls").info, "json")
    assert len(ids(found)) == 10
    assert ids(found)[:5] == [f"arxiv:2606.{number:05}" for number in range(20, 25)]


def test_a_shelf_that_nobody_filled_for_a_month_keeps_its_last_papers(store, announce):
    last = announce(1, 1)
    later = catalogue(store, NOW + timedelta(days=40))
    assert ids(later.document(later.find("cs.IR"), "json")) == [last]


def test_a_revised_paper_stays_in_its_place_with_a_new_date(store, announce, item):
    announce(1, 9)
    announce(2, 10)
    again = item(1, seen_at=datetime(2026, 6, 11, 4, tzinfo=UTC))
    again = replace(again, announcement=replace(again.announcement, type=AnnounceType.REPLACE))
    store.papers.ingest([again])
    made = catalogue(store)
    items = read(made.document(made.find("cs.IR"), "json"))["items"]
    assert [each["_digest"]["id"] for each in items] == ["arxiv:2606.00002", "arxiv:2606.00001"]
    assert items[1]["date_modified"] == "2026-06-11T04:00:00Z"
    assert items[1]["date_published"] == "2026-06-09T04:00:00Z"


def test_a_paper_that_another_source_lists_later_stays_as_it_was_published(store, item):
    early = item(1, seen_at=datetime(2026, 6, 10, 1, 31, tzinfo=UTC))
    early = replace(early, announcement=replace(early.announcement, type=AnnounceType.CROSS))
    late = item(1, seen_at=datetime(2026, 6, 10, 8, tzinfo=UTC))
    late = replace(late, announcement=replace(late.announcement, source="huggingface"))
    store.papers.ingest([early, late])
    store.papers.set_trending({early.paper.id: 1.0})
    made = catalogue(store)
    for slug in ("cs.IR", "trending"):
        (told,) = read(made.document(made.find(slug), "json"))["items"]
        assert told["date_published"] == "2026-06-10T01:31:00Z"
        assert told["_digest"]["announce"] == "cross"


@pytest.fixture
def cross_list(store, item):
    """Lists a stored paper of June 2026 in a further category on a later day."""

    def add(number, day, category):
        again = item(number, category=category, seen_at=datetime(2026, 6, day, 4, tzinfo=UTC))
        crossed = replace(again.announcement, type=AnnounceType.CROSS)
        store.papers.ingest([replace(again, announcement=crossed)])

    return add


def test_a_cross_list_of_a_later_day_is_new_in_its_category_alone(store, announce, cross_list):
    announce(1, 8)
    announce(2, 9, "cs.LG")
    cross_list(1, 10, "cs.LG")
    made = catalogue(store)
    in_new, in_old = (
        read(made.document(made.find(slug), "json"))["items"] for slug in ("cs.LG", "cs.IR")
    )
    assert [each["date_published"][8:10] for each in in_new] == ["10", "09"]
    assert in_new[0]["_digest"]["announce"] == "cross"
    assert [each["date_published"][8:10] for each in in_old] == ["08"]
    assert in_new[0]["id"] == in_old[0]["id"]


def test_a_cross_list_reaches_the_feed_even_when_its_paper_is_older_than_all_that_fits(
    store, announce, cross_list
):
    announce(1, 2)
    for number in range(2, 6):
        announce(number, 9, "cs.LG")
    cross_list(1, 10, "cs.LG")
    made = catalogue(store, limit=2)
    assert ids(made.document(made.find("cs.LG"), "json"))[0] == "arxiv:2606.00001"


def test_the_archives_have_a_cross_list_on_its_own_day_once(store, announce, cross_list):
    topics = {"owls": Topic(id="owls", name="Owls", categories=("cs.LG",), phrases=("owl",))}
    announce(1, 8)
    announce(2, 10, "cs.LG")
    cross_list(1, 10, "cs.LG")
    made = catalogue(store, topics=topics)
    for slug in ("cs.LG", "owls"):
        feed = made.find(slug)
        assert made.days(feed) == [date(2026, 6, 10)]
        assert len(ids(made.document(feed, "json", date(2026, 6, 10)))) == 2
        assert made.document(feed, "json", date(2026, 6, 8)) is None
        assert "next_url" not in read(made.document(feed, "json", date(2026, 6, 10)))


# --- archives (RFC 5005) ----------------------------------------------------------------------


def test_following_the_archives_back_gives_every_paper(store, announce):
    stored = {announce(number, 1 + number % 10) for number in range(1, 41)}
    made = catalogue(store, limit=3)
    feed = made.find("cs.IR")
    document, found = read(made.document(feed, "json")), []
    while url := document.get("next_url"):
        day = date.fromisoformat(url.rpartition("/")[2].removesuffix(".json"))
        document = read(made.document(feed, "json", day))
        found += [each["_digest"]["id"] for each in document["items"]]
    assert sorted(found) == sorted(stored)


@pytest.mark.parametrize("slug", ["cs.IR", "owls"])
def test_an_archive_leads_to_the_day_before_it_that_has_one(store, announce, slug):
    for number, day in enumerate((2, 5, 10, 11), 1):
        announce(number, day, title=f"Owl number {number} in the wild")
    made = catalogue(store)
    feed = made.find(slug)
    assert made.days(feed) == [date(2026, 6, 10), date(2026, 6, 5), date(2026, 6, 2)]

    def following(day):
        return read(made.document(feed, "json", day)).get("next_url", "").rpartition("/")[2]

    assert following(None) == "2026-06-10.json"
    assert following(date(2026, 6, 10)) == "2026-06-05.json"
    assert following(date(2026, 6, 2)) == ""


def test_a_day_longer_ago_than_a_feed_holds_can_still_be_asked_for(store, announce):
    old = announce(1, 1)
    announce(2, 11)
    made = catalogue(store, days=3, limit=1)
    feed = made.find("cs.IR")
    assert ids(made.document(feed, "json", date(2026, 6, 1))) == [old]
    assert read(made.document(feed, "json"))["next_url"].endswith("/2026-06-01.json")


@pytest.mark.parametrize("slug", ["cs.IR", "owls"])
def test_the_chain_goes_on_beyond_the_days_of_a_feed_and_ends_after_two_weeks_without_a_paper(
    store, announce, slug
):
    for number, day in enumerate((1, 16, 20, 30), 1):
        announce(number, day, title=f"Owl number {number} in the wild")
    made = catalogue(store, datetime(2026, 6, 30, 9, tzinfo=UTC), days=3)
    feed = made.find(slug)

    def following(day):
        return read(made.document(feed, "json", day)).get("next_url", "").rpartition("/")[2]

    assert following(None) == "2026-06-20.json"
    assert following(date(2026, 6, 20)) == "2026-06-16.json"
    assert following(date(2026, 6, 16)) == ""
    assert made.document(feed, "json", date(2026, 6, 1)) is not None


def test_only_days_that_are_over_and_had_papers_have_an_archive(store, announce):
    announce(1, 10)
    announce(2, 11)
    made = catalogue(store)
    feed = made.find("cs.IR")
    for day in (date(2026, 6, 9), date(2026, 6, 11), date(2026, 6, 12)):
        assert made.document(feed, "json", day) is None
    assert made.document(made.find("trending"), "json", date(2026, 6, 10)) is None


def test_an_archive_stays_as_it_is_when_the_next_day_comes(store, announce):
    announce(1, 10)
    announce(2, 10)
    day = date(2026, 6, 10)

    def archive(now):
        made = catalogue(store, now)
        feed = made.find("cs.IR")
        return [made.document(feed, kind, day) for kind in ("rss", "atom", "json")]

    before = archive(NOW)
    announce(3, 12)
    assert archive(NOW + timedelta(days=1)) == before


def test_a_paper_has_the_same_dates_in_the_current_feed_and_in_the_archive(store, announce):
    for number in range(1, 21):
        announce(number, 10)
    made = catalogue(store, limit=5)
    feed = made.find("cs.IR")
    current, archived = (
        {
            each["id"]: (each["date_published"], each["date_modified"])
            for each in read(made.document(feed, "json", day))["items"]
        }
        for day in (None, date(2026, 6, 10))
    )
    assert len(current) == 20
    assert current.items() <= archived.items()


def test_current_feeds_name_the_hub_and_archives_do_not(store, announce):
    announce(1, 10)
    made = catalogue(store)
    feed = made.find("cs.IR")
    assert b"https://hub.example/" in made.document(feed, "atom")
    assert b"hub.example" not in made.document(feed, "atom", date(2026, 6, 10))
    assert made.find("cs.LG") not in made.feeds
    assert b"hub.example" not in made.document(made.find("cs.LG"), "atom")


# --- the community ----------------------------------------------------------------------------


@pytest.fixture
def ada(store):
    person = Subscriber(
        id="s_ada",
        email="ada@example.org",
        key="ab" * 32,
        status=Status.ACTIVE,
        created_at=NOW,
        name="Ada",
        shows_name=True,
    )
    store.subscribers.add([(person, [])])
    return person


def test_what_got_votes_within_a_period_trends_in_it(store, announce, ada):
    old, new = announce(1, 1), announce(2, 10)
    store.community.vote(ada.id, old, NOW - timedelta(days=10))
    store.community.vote(ada.id, new, NOW - timedelta(hours=3))
    made = catalogue(store)

    def held(slug):
        return set(ids(made.document(made.find(slug), "json")))

    assert held("trending-day") == held("trending-week") == {new}
    assert held("trending-month") == {old, new}


def test_what_a_curator_featured_is_a_pick_dated_then_and_says_who_spoke(store, announce, ada):
    paper = announce(1, 2)
    submission = Submission(
        id="p_1", paper_id=paper, subscriber_id=ada.id, line="A fine thing", at=NOW
    )
    store.community.submit(submission)
    store.community.decide(
        replace(
            submission,
            state=SubmissionState.FEATURED,
            curator_line="For everyone",
            decided_at=NOW + timedelta(minutes=5),
        ),
        Moderation(at=NOW, actor="operator", action="feature", submission_id="p_1", paper_id=paper),
    )
    made = catalogue(store, NOW + timedelta(hours=1))
    (item,) = read(made.document(made.find("picks"), "json"))["items"]
    assert item["date_published"] == "2026-06-11T09:05:00Z"
    assert item["_digest"]["picked_by"] == [
        "Submitted by Ada: A fine thing",
        "Picked by a curator: For everyone",
    ]
    assert "For everyone" in made.document(made.find("cs.IR"), "atom").decode()


def test_no_feed_names_an_address(store, announce, ada):
    paper = announce(1, 10)
    store.community.vote(ada.id, paper, NOW)
    made = catalogue(store)
    for feed in made.feeds:
        for kind in ("rss", "atom", "json"):
            assert b"@example.org" not in made.document(feed, kind)
