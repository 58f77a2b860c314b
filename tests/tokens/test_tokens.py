"""Signed links name one subscriber, one scope and one subject, and nothing else."""

from hypothesis import example, given
from hypothesis import strategies as st

from digest import tokens

KEY = "ab" * 32
OLD_LINK = "s_1..MLY9Hgdcu6Ixxdqy9hw6sw"
OLD_TAG = "s_1.20260610.u5s3g4gqwj6mhz4f"
names = st.text("abcdefghijklmnopqrstuvwxyz0123456789_-", min_size=1, max_size=30)


@given(names, names)
def test_a_token_holds_for_what_it_was_made_for(subscriber, subject):
    token = tokens.make(KEY, "digest", subscriber, subject)
    named = tokens.read(token)
    assert named is not None
    assert (named.subscriber_id, named.subject) == (subscriber, subject)
    assert tokens.holds(named, KEY, "digest")


def test_a_token_does_not_hold_for_another_scope_key_subject_or_person():
    named = tokens.read(tokens.make(KEY, "digest", "s_1", "2026-06-10"))
    assert not tokens.holds(named, KEY, "unsubscribe")
    assert not tokens.holds(named, "cd" * 32, "digest")
    for changed in ("s_2.2026-06-10", "s_1.2026-06-11"):
        assert not tokens.holds(tokens.read(f"{changed}.{named.mac}"), KEY, "digest")


@given(st.text(max_size=60))
@example("s_1..\udcff")  # a byte that is not UTF-8, as in a mail's header
@example("s_1.\udcff.x")
@example("\udcff..x")
def test_what_is_not_a_token_is_read_as_nothing_or_does_not_hold(text):
    named = tokens.read(text)
    assert named is None or not tokens.holds(named, KEY, "digest")


def test_links_that_earlier_checkouts_gave_out_hold_for_what_they_were_made_for():
    """They bear HMAC-SHA256; one that ends a subscription has to work for as long as the mail is kept."""
    link = tokens.read(OLD_LINK)
    assert tokens.holds(link, KEY, "unsubscribe")
    assert not tokens.holds(link, KEY, "digest")
    assert not tokens.holds(link, "cd" * 32, "unsubscribe")
    tag = tokens.read(OLD_TAG)
    assert tokens.holds_tag(tag, KEY, "bounce")
    assert not tokens.holds_tag(tag, KEY, "reply")


def test_links_are_made_as_ever_since_mails_that_bear_them_are_kept_for_years():
    link, tag = "s_1..HNcutXTumQKP9JOnWj9I4A", "s_1.20260610.v2oo2lzbgdmt4w6p"
    assert tokens.make(KEY, "unsubscribe", "s_1") == link
    assert tokens.make_tag(KEY, "bounce", "s_1", "20260610") == tag
    assert tokens.holds_tag(tokens.read(tag), KEY, "bounce")
    assert not tokens.holds_tag(tokens.read(tag), KEY, "reply")
