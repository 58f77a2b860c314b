"""What a reader, a mail program and a mail server get."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from digest import tokens
from digest.errors import ConfigError, InvalidInput
from digest.model import Cadence, Mood, Site, Voice
from digest.rendering import links, mail
from digest.rendering.lint import lint


def read(content: bytes) -> EmailMessage:
    return message_from_bytes(content, policy=policy.default)


def content(message: EmailMessage, kind: str) -> str:
    return message.get_body((kind,)).get_content().replace("\r\n", "\n")


@pytest.fixture
def sent(edition, digest, subscriber, now):
    return mail.message(
        edition, digest, subscriber, message_id="<s_ada.2026-06-10@example.org>", at=now
    )


@pytest.fixture
def shown(edition, digest, subscriber):
    return mail.parts(edition, digest, subscriber)


def test_a_message_has_a_text_part_and_then_an_html_part(sent):
    message = read(sent.content)

    assert not message.defects
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert not any(part.defects for part in message.iter_parts())


def test_the_header_fields_say_what_the_mail_is_and_how_to_stop_it(sent):
    message = read(sent.content)

    assert message["From"] == "Paper Digest <digest@example.org>"
    assert message["To"] == "ada@example.com"
    assert message["Date"].datetime.isoformat() == "2026-06-10T07:00:00+00:00"
    assert message["Message-ID"] == "<s_ada.2026-06-10@example.org>"
    assert message["List-Id"] == "Paper Digest <digest.example.org>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Precedence"] == "bulk"
    assert message["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    assert message["Feedback-ID"] == "2026-06-10:daily:digest:digest.example.org"
    assert message["List-Help"] == "<mailto:ask@example.org>"
    assert all(len(message.get_all(name)) == 1 for name in message.keys())  # noqa: SIM118 - keys repeat


def test_the_envelope_goes_to_the_subscriber_and_bounces_come_back_to_us(sent, digest):
    assert (sent.sender, sent.recipient) == ("bounce@example.org", "ada@example.com")
    assert sent.digest_id == digest.id


def test_unsubscribing_is_offered_by_web_and_by_mail_on_one_line(sent, site, subscriber):
    line = next(
        line for line in sent.content.split(b"\r\n") if line.startswith(b"List-Unsubscribe:")
    ).decode()

    page, mailto = re.fullmatch(r"List-Unsubscribe: <(.+)>, <(.+)>", line).groups()

    assert page == links.unsubscribe(site, subscriber)
    assert mailto.startswith("mailto:unsubscribe@example.org?subject=unsubscribe%20s_ada..")


def test_the_same_digest_gives_the_same_bytes(edition, digest, subscriber, now, sent):
    afresh = replace(edition, _papers={}, _lines={}, _titles={})

    again = mail.message(
        afresh, digest, subscriber, message_id="<s_ada.2026-06-10@example.org>", at=now
    )

    assert again.content == sent.content


def test_the_preview_is_what_is_sent(sent, shown):
    message = read(sent.content)

    assert content(message, "plain") == shown.text
    assert content(message, "html") == shown.html
    assert message["Subject"] == shown.subject


def test_the_subject_names_the_first_paper_the_rest_and_the_day(shown):
    assert shown.subject == (
        "Learning to Retrieve from Pages People Turn Back To and 9 more (Wed 10 Jun)"
    )


def test_both_parts_hold_the_same_papers_in_the_same_order(shown, papers, digest):
    for pick in digest.picks:
        url = papers[pick.paper_id].url
        assert url in shown.text
        assert f'href="{url}"' in shown.html
    for text in (shown.text, shown.html):
        places = [text.index(papers[pick.paper_id].url) for pick in digest.picks]
        assert places == sorted(places)


def test_every_pick_says_why_what_and_where(shown):
    assert " 1. Learning to Retrieve from Pages People Turn Back To\n" in shown.text
    assert "    Ada Grün, Mei-Ling Čapek, O. N’Diaye, Ravi Iyer, Zoë Ó Sé and 4 more" in shown.text
    assert "    Because you follow Information Retrieval and liked “Owls by Day”.\n" in shown.text
    assert "    Information Retrieval (cs.IR) · Machine Learning (cs.LG)\n" in shown.text
    assert "    PDF: https://arxiv.org/pdf/2606.00001\n" in shown.text
    assert "    Code: https://code.example.org/p/1?a=1&b=2\n" in shown.text
    assert "57 upvotes" in shown.text


def test_what_happened_is_said_in_one_line(shown):
    said = "Today: 367 papers announced, 41 matched your interests, 10 picked for you. 3 more were left out"

    assert said in " ".join(shown.text.split())
    assert said in shown.html


def test_the_remaining_titles_follow_one_line_each(shown, papers, digest):
    assert "31 more that matched your interests" in shown.text
    assert all(papers[each].url in shown.text for each in digest.rest)
    assert shown.html.count("<li") == 31


def test_a_long_list_is_cut_and_the_cut_is_said(show, papers, digest):
    shown = show(digest=replace(digest, rest=tuple(papers) * 2))

    assert "And 32 more, all in the browser" in shown.text
    assert shown.html.count("<li") == 50


def test_the_links_for_answers_carry_the_picks_number_and_a_token_that_holds(
    shown, site, subscriber, digest
):
    page = links.digest(site, subscriber, digest.edition)
    named = tokens.read(page.rpartition("/")[2])

    assert named.subject == "2026-06-10"
    assert tokens.holds(named, subscriber.key, links.DIGEST)
    for number in range(1, 11):
        for answer in ("more", "less", "save", "known"):
            assert f'href="{page}/{number}/{answer}"' in shown.html
            assert f"{page}/{number}/{answer}\n" in shown.text


def test_a_paper_no_longer_kept_is_left_out_and_the_others_keep_their_numbers(show, papers):
    first, *others = papers

    shown = show(papers={each: papers[each] for each in others})

    assert papers[first].url not in shown.text
    assert " 2. When Is α < β & γ > 0?" in shown.text
    assert "/1/more" not in shown.text


def test_text_from_outside_is_text_in_the_html(shown):
    assert "&lt;b&gt;Bold&lt;/b&gt; Claims: &#34;Quoting&#34;" in shown.html
    assert "<b>" not in shown.html
    assert "https://code.example.org/p/1?a=1&amp;b=2" in shown.html


def test_a_dangerous_link_is_not_a_link(show, papers):
    bad = replace(papers["arxiv:2606.00001"], url="javascript:alert(1)", links=())

    shown = show(papers=papers | {bad.id: bad})

    assert "javascript:" not in shown.html + shown.text
    assert 'href="https://digest.example.org/papers/arxiv:2606.00001"' in shown.html


def test_without_a_site_nothing_links_to_it(compiled, papers, digest, subscriber, because, now):
    site = Site(mail_from="digest@example.org", unsubscribe_to="stop@example.org")
    edition = mail.Edition(compiled(site), papers, because=because)

    shown = mail.parts(edition, digest, subscriber)
    sent = read(mail.message(edition, digest, subscriber, message_id="<1@x>", at=now).content)

    assert sent["List-Unsubscribe"].startswith("<mailto:stop@example.org?subject=")
    assert sent["List-Unsubscribe-Post"] is None
    assert sent["List-Help"] is None
    assert "like this" not in shown.html + shown.text
    assert "in the browser" not in shown.html + shown.text
    assert 'href="mailto:stop@example.org' in shown.html
    assert not lint(shown.html)


def test_one_click_is_only_offered_over_https(compiled, papers, digest, subscriber, site, now):
    edition = mail.Edition(compiled(replace(site, url="http://digest.lan")), papers)

    sent = read(mail.message(edition, digest, subscriber, message_id="<1@x>", at=now).content)

    assert sent["List-Unsubscribe"].startswith("<http://digest.lan/u/")
    assert sent["List-Unsubscribe-Post"] is None


def test_without_a_mailbox_either_one_can_reply(compiled, papers, digest, subscriber, now):
    edition = mail.Edition(compiled(Site()), papers)

    shown = mail.parts(edition, digest, subscriber)
    sent = read(mail.message(edition, digest, subscriber, message_id="<1@x>", at=now).content)

    assert sent["List-Unsubscribe"] is None
    assert 'reply to this mail with the word "unsubscribe"' in shown.text


QUIET = {
    Mood.NO_MATCH: "none of them was about what you follow",
    Mood.HOLIDAY: "as on weekends and holidays",
    Mood.OUTAGE: "papers may be missing here",
}


@pytest.mark.parametrize("mood", QUIET)
def test_a_quiet_day_says_which_kind_it_is_and_what_comes_next(edition, digest, subscriber, mood):
    quiet = replace(digest, mood=mood, picks=(), rest=(), announced=0, matched=0, withheld=0)

    shown = mail.parts(edition, quiet, subscriber)

    for text in (" ".join(shown.text.split()), shown.html):
        assert [said for said in QUIET.values() if said in text] == [QUIET[mood]]
        assert "The next digest comes on Thursday 11 June, around 07:00 (Europe/Berlin)." in text
    assert "like this" not in shown.html
    assert not lint(shown.html)


def test_an_outage_is_told_even_when_there_are_papers(edition, digest, subscriber):
    shown = mail.parts(edition, replace(digest, mood=Mood.OUTAGE), subscriber)

    assert "Some listings could not be read." in shown.text
    assert " 1. Learning to Retrieve" in shown.text
    assert "The next digest" not in shown.text


def test_a_day_below_the_bar_says_so_above_the_titles(edition, digest, subscriber):
    titles = tuple(pick.paper_id for pick in digest.picks)
    below = replace(digest, mood=Mood.BELOW, picks=(), rest=titles)

    shown = mail.parts(edition, below, subscriber)

    assert "Nothing reached your bar (" in shown.subject
    for text in (" ".join(shown.text.split()), " ".join(shown.html.split())):
        assert text.index("Nothing reached your bar.") < text.index(
            f"{len(titles)} of the 41 that matched"
        )
        assert "Learning to Retrieve" in text
        assert "The next digest comes on Thursday 11 June" in text
    assert "like this" not in shown.html
    assert not lint(shown.html)


def test_a_weekly_digest_speaks_of_the_week(edition, digest, subscriber):
    weekly = replace(subscriber, cadence=Cadence.WEEKLY, weekday=2)

    week = replace(digest, since=digest.until - timedelta(days=7))

    shown = mail.parts(edition, week, weekly)

    assert "This week: 367 papers announced" in shown.text
    assert "It comes every Wednesday, around 07:00" in " ".join(shown.text.split())


def test_the_text_is_wrapped_but_for_addresses(shown):
    long = [line for line in shown.text.splitlines() if len(line) > 72]

    assert all("https://" in line for line in long)


def test_a_digest_of_ordinary_papers_is_small_and_has_no_faults_the_linter_knows(sent, shown):
    assert lint(shown.html) == []
    assert len(shown.html.encode()) < 45_000
    assert len(sent.content) < 75_000


def test_what_hides_the_preheader_is_display_none_alone(shown):
    hidden = re.search(r'<div style="([^"]*)">(Also: [^<]*)</div>', shown.html)

    assert hidden[1] == "display:none"
    assert len(hidden[2]) <= 110


def test_our_words_are_called_english_whatever_the_papers_are_written_in(show, site):
    shown = show(site=replace(site, language="ar"))

    assert '<html lang="en" dir="ltr">' in shown.html
    assert 'dir="auto"' in shown.html, "each title and abstract runs as it is written"
    assert shown.html.count("text-align:start") == 10, "and begins where its script does"


def test_an_address_that_cannot_be_written_is_refused_without_naming_it(
    edition, digest, subscriber, now
):
    nasty = replace(subscriber, email="ada@example.com>\r\nBcc: eve@example.com")

    with pytest.raises(InvalidInput) as caught:
        mail.message(edition, digest, nasty, message_id="<1@example.org>", at=now)

    assert "eve" not in str(caught.value)


@pytest.fixture
def by_mail(compiled, site, papers, digest, subscriber, now):
    """The same digest from a site to which people can write."""
    site = replace(site, inbound_domain="in.example.org", unsubscribe_to="")
    edition = mail.Edition(compiled(site), papers)
    return mail.message(edition, digest, subscriber, message_id="<1@example.org>", at=now)


def test_a_digest_can_be_answered_by_mail_under_a_tag_that_names_its_edition(by_mail, subscriber):
    message = read(by_mail.content)

    local, _, domain = message["Reply-To"].addresses[0].addr_spec.partition("@")
    named = tokens.read(local.removeprefix("reply+"))
    assert domain == "in.example.org"
    assert (named.subscriber_id, named.subject) == (subscriber.id, "20260610")
    assert tokens.holds_tag(named, subscriber.key, links.REPLY)
    assert "reply with “more 2 5”, “less 3”" in " ".join(content(message, "plain").split())


def test_what_bounces_comes_back_to_an_address_that_says_whose_it_was(by_mail, subscriber):
    local, _, domain = by_mail.sender.partition("@")
    named = tokens.read(local.removeprefix("bounce+"))

    assert domain == "in.example.org"
    assert tokens.holds_tag(named, subscriber.key, links.BOUNCE)


def test_mail_that_comes_in_also_unsubscribes(by_mail):
    assert (
        "<mailto:unsubscribe@in.example.org?subject=unsubscribe%20s_ada.."
        in (read(by_mail.content)["List-Unsubscribe"])
    )


def test_where_no_mail_comes_in_nobody_is_asked_to_write(sent, shown):
    assert read(sent.content)["Reply-To"] is None
    assert "Answer by mail" not in shown.text + shown.html


def test_every_digest_leads_to_the_preferences_by_a_link_of_its_day(shown, site, subscriber):
    link = links.preferences(site, subscriber, "2026-06-10")

    assert f"Change what you get:\n{link}\n" in shown.text
    assert f'href="{link}"' in shown.html


def test_who_speaks_for_a_paper_stands_with_it_as_text(show, now):
    spoken = [
        Voice(paper_id="arxiv:2606.00002", name="Bo <b>", line="At last\r\na proof.", at=now),
        Voice(paper_id="arxiv:2606.00002", line="Section 4 first.", curator=True, at=now),
        *(Voice(paper_id="arxiv:2606.00002", line="And " * 999, at=now) for _ in range(9)),
    ]

    shown = show(voices={"arxiv:2606.00002": spoken})

    assert "    Submitted by Bo <b>: At last a proof.\n" in shown.text
    assert "    Picked by a curator: Section 4 first.\n" in shown.text
    assert "Submitted by Bo &lt;b&gt;: At last a proof." in shown.html
    assert shown.text.count("ed by") == 3
    assert lint(shown.html) == []


def test_the_longest_line_one_may_write_stands_whole_beside_the_longest_name(show, now):
    name, line = "N" * 60, "L" * 299 + "."
    longest = Voice(paper_id="arxiv:2606.00002", name=name, line=line, curator=True, at=now)
    longer = replace(longest, name=name * 9, line=line * 9)

    html = show(voices={"arxiv:2606.00002": [longest, longer]}).html

    assert f"Picked by {name}: {line}" in html
    assert f"Picked by {name[1:]}…: {'L' * 299}…" in html


def test_a_from_address_that_is_none_is_the_operators_to_mend(
    compiled, papers, digest, subscriber, now
):
    edition = mail.Edition(compiled(Site(mail_from="nobody")), papers)

    with pytest.raises(ConfigError, match=r"mail\.from"):
        mail.message(edition, digest, subscriber, message_id="<1@example.org>", at=now)
