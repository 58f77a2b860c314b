"""Feeds as files: written once, rewritten only when they say something new."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from digest import subscriptions
from digest.model import AnnounceType
from digest.pipeline import entries

KINDS = ("atom", "json", "rss")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "out"


def titles(path: Path):
    return [each["title"] for each in json.loads(path.read_text(encoding="utf-8"))["items"]]


def test_every_category_in_use_and_every_named_topic_has_its_feeds(application, folder, item):
    application.store.papers.ingest(
        [item(1), item(2, category="q-bio.NC", title="Spikes in the olfactory bulb of a mole")]
    )
    application.publish(folder)
    for slug in ("cs.IR", "q-bio.NC", "retrieval", "trending"):
        for form in ("rss", "atom", "json"):
            assert (folder / "feeds" / f"{slug}.{form}").is_file(), (slug, form)
    assert titles(folder / "feeds" / "q-bio.NC.json") == ["Spikes in the olfactory bulb of a mole"]
    assert "feeds/cs.IR.atom" in (folder / "feeds.opml").read_text(encoding="utf-8")


def test_publishing_again_changes_no_byte_and_a_new_paper_changes_only_its_feeds(
    application, folder, item
):
    application.store.papers.ingest([item(1), item(2, category="q-bio.NC")])
    application.publish(folder)
    application.moment[0] += timedelta(hours=1)
    assert application.publish(folder).changed == 0

    application.store.papers.ingest([item(3, category="q-bio.NC", seen_at=application.clock())])
    before = (folder / "feeds" / "cs.IR.atom").stat().st_mtime_ns
    assert application.publish(folder).changed > 0
    assert (folder / "feeds" / "cs.IR.atom").stat().st_mtime_ns == before
    assert len(titles(folder / "feeds" / "q-bio.NC.json")) == 2


def test_trending_holds_what_the_community_picks_up(application, folder, item):
    application.store.papers.ingest([item(1), item(2, upvotes=57)])
    from digest.pipeline import trending

    trending.refresh(application.store, now=application.clock())
    application.publish(folder)
    assert titles(folder / "feeds" / "trending.json") == [
        "A study of retrieval number 2 in the wild"
    ]


def test_a_vote_taken_back_leaves_nothing_in_the_trending_feed(
    application, folder, item, subscribe
):
    store, person = application.store, subscribe()
    store.papers.ingest([item(2)])
    store.community.vote(person.id, "arxiv:2606.00002", application.clock())
    application.publish(folder)
    assert len(titles(folder / "feeds" / "trending.json")) == 1

    store.community.unvote(person.id, "arxiv:2606.00002")
    application.publish(folder)

    assert titles(folder / "feeds" / "trending.json") == []


def test_what_nobody_has_voted_for_in_two_months_trends_no_more(application, item):
    from digest.pipeline import trending

    store = application.store
    store.papers.ingest([item(1), item(2, upvotes=57)])
    trending.refresh(store, now=application.clock() + timedelta(days=50))
    assert list(store.papers.trending()) == ["arxiv:2606.00002"]

    trending.refresh(store, now=application.clock() + timedelta(days=70))

    assert store.papers.trending() == {}


def test_a_subscriber_has_a_private_feed_of_their_picks_with_reasons(
    application, folder, item, subscribe
):
    application.store.papers.ingest([item(1)])
    subscribe()
    application.compose_edition("2026-06-10")
    application.publish(folder)
    (feed,) = (folder / "feeds" / "mine").glob("*.json")
    text = feed.read_text(encoding="utf-8")
    assert "A study of retrieval number 1" in text
    assert "Information Retrieval" in text
    assert "ada@example.org" not in text
    assert "mine/" not in (folder / "feeds.opml").read_text(encoding="utf-8")


def test_the_private_feed_of_someone_who_rests_stays(application, folder, item, subscribe):
    application.store.papers.ingest([item(1)])
    person = subscribe()
    application.publish(folder)
    before = set((folder / "feeds" / "mine").iterdir())
    subscriptions.pause(application.store, person, until=None, now=application.clock())
    application.publish(folder)
    assert before
    assert set((folder / "feeds" / "mine").iterdir()) == before


def test_the_private_feed_of_someone_who_left_is_removed(application, folder, item, subscribe):
    application.store.papers.ingest([item(1)])
    person = subscribe()
    application.publish(folder)
    subscriptions.unsubscribe(application.store, person, now=application.clock())
    application.publish(folder)
    assert list((folder / "feeds" / "mine").iterdir()) == []


def test_what_an_operator_put_beside_private_feeds_stays(application, folder, item, subscribe):
    private = folder / "feeds" / "mine"
    private.mkdir(parents=True)
    (private / ".htaccess").write_text("Header set Cache-Control private")
    (private / "index.html").touch()
    (private / ".half-written.part").touch()
    (private / "of-somebody-who-left.atom").touch()
    application.store.papers.ingest([item(1)])
    subscribe()

    application.publish(folder)

    assert {each.name for each in private.iterdir()} >= {".htaccess", "index.html"}
    assert sorted(each.suffix for each in private.iterdir()) == sorted(
        ["", ".html", ".atom", ".json", ".rss"]
    )


def test_an_entry_changes_with_a_revision_and_stays_what_it_came_as(application, item):
    application.store.papers.ingest([item(1)])
    (first,) = application.store.papers.announcements(["arxiv:2606.00001"])["arxiv:2606.00001"]
    revised = replace(
        first,
        type=AnnounceType.REPLACE,
        version=2,
        day=first.day + timedelta(days=7),
        seen_at=first.seen_at + timedelta(days=7),
    )
    assert entries.updated(first.seen_at, [first, revised]) == revised.seen_at
    assert entries.updated(revised.seen_at + timedelta(days=1), [first, revised]) > revised.seen_at
    cross = replace(first, type=AnnounceType.CROSS)
    assert entries.came_as([cross, revised]) is AnnounceType.CROSS


# --- archives ---------------------------------------------------------------------------------


@pytest.fixture
def days(application, item):
    """Ingests two papers on each of some days, and comes to the morning after the last."""

    def pass_by(count):
        for day in range(count):
            seen = application.clock()
            numbers = (10 * day + 1, 10 * day + 2)
            application.store.papers.ingest([item(each, seen_at=seen) for each in numbers])
            application.moment[0] += timedelta(days=1)
        application.store.papers.ingest([item(900, seen_at=application.clock())])

    return pass_by


@pytest.fixture
def picked(application, item, subscribe):
    """A paper that was put forward by somebody who shows their name, and featured."""
    store, now = application.store, application.clock()
    store.papers.ingest([item(1, seen_at=now)])
    person = subscribe(name="Ada Lovelace", shows_name=True)
    made = subscriptions.submit(store, person, "2606.00001", "Worth your time", a_day=5, now=now)
    subscriptions.decide(store, None, made.id, feature=True, line=None, now=now)
    return person, made


def test_what_was_submitted_by_its_doi_is_among_the_picks_by_any_id(
    application, folder, item, subscribe
):
    store, now = application.store, application.clock()
    doi = "doi:10.1234/abcd"
    made = subscriptions.submit(
        store, subscribe(), "https://doi.org/10.1234/abcd", "Read it", a_day=5, now=now
    )
    listed = item(7, seen_at=now)
    paper = replace(listed.paper, doi="10.1234/abcd", identifiers=(listed.paper.id, doi))
    store.papers.ingest([replace(listed, paper=paper)])
    subscriptions.decide(store, None, made.id, feature=True, line=None, now=now)

    application.publish(folder)

    (entry,) = json.loads((folder / "feeds" / "picks.json").read_text(encoding="utf-8"))["items"]
    assert entry["title"] == paper.title


def archives(folder, slug="cs.IR"):
    return sorted(path.name for path in (folder / "feeds" / slug).iterdir())


def chain(folder, site, slug="cs.IR", kind="json"):
    """The days that one is led to from the current document on; each must stand."""
    found, path = [], folder / "feeds" / f"{slug}.{kind}"
    while url := json.loads(path.read_text(encoding="utf-8")).get("next_url"):
        path = folder / url.removeprefix(f"{site}/")
        found.append(path.stem)
    return found


def test_an_archive_says_nothing_that_people_may_take_back(application, folder, picked):
    application.moment[0] += timedelta(days=1)
    application.publish(folder)

    for kind in ("rss", "atom", "json"):
        current, archive = (
            (folder / "feeds" / each).read_text(encoding="utf-8")
            for each in (f"cs.IR.{kind}", f"cs.IR/2026-06-10.{kind}")
        )
        assert "Ada Lovelace" in current
        assert "Worth your time" in current
        assert "Ada Lovelace" not in archive
        assert "Worth your time" not in archive
        assert "upvotes" not in archive


def test_a_feed_that_is_listed_no_more_loses_what_was_taken_back(application, folder, picked, item):
    person, _ = picked
    application.publish(folder)
    path = folder / "feeds" / "cs.IR.json"
    assert "Ada Lovelace" in path.read_text(encoding="utf-8")
    application.moment[0] += timedelta(days=30)
    application.store.papers.ingest([item(2, category="cs.LG", seen_at=application.clock())])
    path.with_suffix(".rss").unlink()
    subscriptions.erase(application.store, person, now=application.clock())

    application.publish(folder)

    assert "feeds/cs.IR.atom" not in (folder / "feeds.opml").read_text(encoding="utf-8")
    assert "Ada Lovelace" not in path.read_text(encoding="utf-8")


def test_a_feed_whose_topic_is_no_more_goes_but_not_its_archives(application, folder, item):
    application.store.papers.ingest([item(1)])
    application.moment[0] += timedelta(days=1)
    application.publish(folder)
    stood, operators = folder / "feeds" / "retrieval", folder / "feeds" / "index.json"
    operators.write_text("{}")
    assert stood.with_suffix(".json").is_file()
    application.settings.topics.pop("retrieval")

    application.publish(folder)

    left = sorted(path.name for path in stood.parent.glob("retrieval*"))
    assert (left, len(list(stood.iterdir()))) == (["retrieval"], len(KINDS))
    assert operators.is_file(), "not a feed of ours"


def test_archives_follow_the_site_to_another_address(application, folder, days):
    days(5)
    application.publish(folder)
    object.__setattr__(application.settings.site, "url", "https://papers.example.org")

    application.publish(folder)

    found = list((folder / "feeds" / "cs.IR").iterdir())
    assert len(found) == 5 * len(KINDS)
    assert not any(b"digest.example" in path.read_bytes() for path in found)
    assert len(chain(folder, "https://papers.example.org")) == 5
    assert application.publish(folder).changed == 0


def test_an_archive_older_than_feeds_reach_stays_in_the_chain_when_the_site_moves(
    application, folder, days
):
    days(1)
    application.publish(folder)
    found = folder / "feeds" / "cs.IR"
    for kind in KINDS:
        (found / f"2026-06-10.{kind}").rename(found / f"2025-01-01.{kind}")
    old = (found / "2025-01-01.json").read_bytes()
    object.__setattr__(application.settings.site, "url", "https://papers.example.org")

    application.publish(folder)

    assert chain(folder, "https://papers.example.org") == ["2026-06-10", "2025-01-01"]
    assert (found / "2025-01-01.json").read_bytes() == old


def test_an_archive_that_holds_more_than_the_store_stays_as_it_is_when_the_site_moves(
    application, folder, item, subscribe
):
    store, moment, settings = application.store, application.moment, application.settings
    object.__setattr__(settings.feeds, "days", 365)
    liked, other = item(1, seen_at=moment[0]), item(2, seen_at=moment[0])
    store.papers.ingest([liked, other])
    moment[0] += timedelta(days=1)
    application.publish(folder)
    path = folder / "feeds" / "cs.IR" / "2026-06-10.json"
    before = path.read_bytes()
    store.community.vote(subscribe().id, liked.paper.id, moment[0])
    moment[0] += timedelta(days=100)
    store.papers.ingest([item(3, seen_at=moment[0])])
    store.prune(papers_before=(moment[0] - timedelta(days=60)).date(), logs_before=moment[0])
    assert list(store.papers.get([liked.paper.id, other.paper.id])) == [liked.paper.id]
    object.__setattr__(settings.site, "url", "https://papers.example.org")

    application.publish(folder)

    assert path.read_bytes() == before
    assert len(titles(path)) == 2


def test_the_chain_of_archives_ends_with_the_oldest_that_stands(application, folder, days):
    object.__setattr__(application.settings.feeds, "limit", 3)
    days(20)
    application.publish(folder)
    found = chain(folder, application.site.url)
    assert found[0] == "2026-06-29"
    assert len(found) == 13
    application.publish(folder)
    assert chain(folder, application.site.url) == found


def test_a_day_is_archived_once_it_stands_in_every_format(application, folder, days):
    days(2)
    application.publish(folder)
    whole = archives(folder)
    (folder / "feeds" / "cs.IR" / "2026-06-10.json").unlink()

    application.publish(folder)

    assert (
        archives(folder)
        == whole
        == sorted(f"2026-06-{day}.{kind}" for day in (10, 11) for kind in KINDS)
    )
