"""Mail taken in: what it changes, and what it is answered."""

import json
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from digest import subscriptions
from digest.errors import RetryLater, StoreBusy
from digest.model import FLOORS, FeedbackKind, Status, Via

NOW = datetime(2026, 6, 10, 7, tzinfo=UTC)


def said(replies):
    """All that the one answer says, as one text."""
    (answer,) = [each for each in replies if each.kind == "answer"]
    return " ".join((answer.context["title"], *answer.context["lines"], answer.context["undo"]))


# --- beginning, and ending ------------------------------------------------------------------------


def test_subscribing_by_mail_asks_the_owner_of_the_address(
    store, take_in, proven, current, profile
):
    (reply,) = take_in(
        proven("keywords: dual encoder\nweekly", subject="subscribe"),
        "subscribe+cs.IR@papers.example",
    )
    assert reply.kind == "confirm"
    assert reply.recipient == "ada@example.org"
    assert reply.subscriber.status == "pending"
    assert profile(reply.subscriber) == {"topic": ["cs.IR"], "keyword": ["dual encoder"]}
    assert current(reply.subscriber).cadence == "weekly"


def test_plain_words_to_the_subscribing_address_do(take_in, proven, profile):
    raw = proven("Hello,\n\ngraph neural networks, cs.CL\n\nBest,\nAda", subject="Hi")
    (reply,) = take_in(raw, "subscribe@papers.example")
    assert profile(reply.subscriber) == {"topic": ["cs.CL"], "keyword": ["graph neural networks"]}


def test_wishes_that_look_like_a_number_to_call_are_kept(take_in, proven, profile):
    raw = proven("C++20 compilers, Rust\n\nprotein folding", subject="subscribe")
    (reply,) = take_in(raw, "digest@papers.example")
    assert profile(reply.subscriber)["keyword"] == ["C++20 compilers", "Rust", "protein folding"]


def test_a_schedule_beside_what_one_subscribes_to_is_kept(store, take_in, proven):
    take_in(proven("subscribe physics.optics, zone plates, weekly\nat 9\n"), "help@papers.example")
    person = store.subscribers.by_email("ada@example.org")
    assert (person.cadence, person.at.hour) == ("weekly", 9)


@pytest.mark.parametrize("body", ["follow SAT", "add sun", "follow zone plates", "add weekly"])
def test_who_is_subscribed_adds_keywords_and_no_schedule(
    ada, take_in, mail, reply_to, current, body
):
    (reply,) = take_in(mail(body), reply_to(ada))
    assert reply.context["lines"] == (f"Added to your keywords: {body.partition(' ')[2]}.",)
    assert current(ada) == ada


@pytest.mark.parametrize("wrong", ["zone Mars/Olympus", "at 25:00", f"authors: {'Ada ' * 60}"])
def test_a_wish_that_cannot_be_met_does_not_stand_in_the_way_of_others(
    take_in, proven, profile, current, wrong
):
    body = f"{wrong}\nweekly\nlimit 5\nmute penguins\nauthors: Ada Lovelace\nkeywords: the, trees"
    (reply,) = take_in(proven(body, subject="subscribe cs.IR"))
    assert reply.kind == "confirm"
    assert profile(reply.subscriber) == {
        "topic": ["cs.IR"],
        "keyword": ["trees"],
        "author": ["Ada Lovelace"],
        "mute": ["penguins"],
    }
    person = current(reply.subscriber)
    assert (person.cadence, person.limit, person.tz) == ("weekly", 5, "UTC")


@pytest.mark.parametrize("body", ["", "yes", "Yes please!", "> is this address yours?\n\nok"])
def test_a_reply_to_the_question_confirms(subscribe, take_in, mail, reply_to, current, body):
    person = subscribe(confirmed=False)
    replies = take_in(mail(body, subject="Re: Please confirm"), reply_to(person, "letter"))
    assert current(person).status == "active"
    assert current(person).due_at == NOW, "the first digest comes at once"
    assert "unsubscribe" in said(replies)


def test_who_comes_back_is_promised_no_first_digest(store, subscribe, take_in, mail, reply_to):
    new = said(take_in(mail("yes"), reply_to(subscribe(confirmed=False), "letter")))
    left = subscriptions.unsubscribe(store, subscribe(), now=NOW)
    again = said(take_in(mail("yes, please"), reply_to(subscribe(confirmed=False), "letter")))
    assert left.status == "unsubscribed"
    assert "Your first digest comes at once." in new
    assert "You are subscribed again." in again
    assert "first digest" not in again


@pytest.mark.parametrize("answers", ["the letter", "an earlier one"])
def test_who_comes_back_by_answering_gets_what_that_letter_asked_for(
    store, ada, take_in, mail, proven, reply_to, profile, current, answers
):
    subscriptions.unsubscribe(store, ada, now=NOW)
    before = profile(ada)
    take_in(proven("", subject="subscribe cs.CV"), "subscribe@papers.example")
    mark = subscriptions.asked_again(store, current(ada), now=NOW).mark
    if answers == "an earlier one":
        take_in(proven("", subject="subscribe math.AG"), "subscribe@papers.example")
    assert profile(ada) == before

    take_in(mail("yes"), reply_to(ada, f"letter-{mark}"))

    assert current(ada).status == "active"
    assert ("cs.CV" in profile(ada)["topic"]) == (answers == "the letter")
    assert "math.AG" not in profile(ada)["topic"]


@pytest.fixture
def asked(store, ada, take_in, proven, current):
    """The mark of the letter that asks somebody who had left to agree to a topic they wrote of."""
    subscriptions.unsubscribe(store, ada, now=NOW)
    take_in(proven("", subject="subscribe cs.CV"), "subscribe@papers.example")
    return subscriptions.asked_again(store, current(ada), now=NOW).mark


def test_the_yes_that_help_asks_for_brings_what_was_asked_for(
    ada, asked, take_in, mail, reply_to, profile, current
):
    raw = mail("Ahoi, what is this?", subject="Re: Please confirm")
    (letter,) = take_in(raw, reply_to(ada, f"letter-{asked}"))
    assert letter.kind == "help"
    assert "write “yes” to begin" in " ".join(letter.context["lines"])

    answer = said(take_in(mail("yes"), reply_to(ada, f"letter-{letter.context['mark']}")))

    assert current(ada).status == "active"
    assert "cs.CV" in profile(ada)["topic"]
    assert "a later letter" not in answer.casefold()


def test_who_writes_apart_from_the_letter_that_asks_is_told_to_answer_that_one(
    ada, asked, take_in, proven, current
):
    (letter,) = take_in(proven("Ahoi, what is this?", subject="Hello"))
    lines = " ".join(letter.context["lines"])
    assert "answer the latest letter that asks you to with “yes”" in lines
    assert "mark" not in letter.context


def test_a_yes_that_brings_only_what_there_was_says_so(
    ada, asked, take_in, mail, reply_to, profile, current
):
    answer = said(take_in(mail("yes"), reply_to(ada, "letter")))

    assert current(ada).status == "active"
    assert "cs.CV" not in profile(ada)["topic"]
    assert "A later letter asked about other changes" in answer


def test_nobody_who_is_under_way_is_answered_with_a_mark(ada, take_in, mail, reply_to):
    (letter,) = take_in(mail("Ahoi, what is this?"), reply_to(ada, "letter-12345678"))
    assert "mark" not in letter.context


@pytest.mark.parametrize(
    "fields",
    [
        {"body": "I am away until Monday and read no mail.", "subject": "Re: Please confirm"},
        {"body": "", "subject": "Automatic reply: Please confirm"},
        {"body": "", "subject": "Re: Please confirm", "auto_submitted": "auto-replied"},
        {"body": "no", "subject": "Re: Please confirm"},
        {"body": "", "subject": "I did not ask for this"},
        {"body": "> is this address yours?", "subject": "Read: Please confirm"},
        {"body": "I do not know who you are.\nSi", "subject": "Re: Please confirm"},
        {"body": "-----Original Message-----\nTo: Ada\n\nNo!", "subject": "RE: Please confirm"},
        {"body": "On Tue Digest wrote:\nConfirm?\n\nNo!", "subject": "Re: Please confirm"},
        {
            "body": "--b\n\n> Confirm?\n--b\n\nNo!\n--b--",
            "subject": "Re: Please confirm",
            "content_type": 'multipart/mixed; boundary="b"',
        },
        {
            "body": "Never.",
            "subject": "Re: Please confirm",
            "content_type": f"text/plain; name={'x' * 3000}",
        },
        {
            "body": "--b\nContent-Type: application/pdf\n\nNo!\n--b--",
            "subject": "Re: Please confirm",
            "content_type": 'multipart/mixed; boundary="b"',
        },
    ],
)
def test_whoever_does_not_say_yes_confirms_nothing(
    subscribe, take_in, mail, reply_to, current, fields
):
    person = subscribe(confirmed=False)
    take_in(mail(**fields), reply_to(person, "letter"))
    assert current(person).status == "pending"


def test_who_may_have_said_yes_beneath_an_original_is_told_what_to_write(
    subscribe, take_in, mail, reply_to
):
    person = subscribe(confirmed=False)
    raw = mail("-----Original Message-----\nTo: Ada\n\nConfirm?", subject="RE: Please confirm")
    (letter,) = take_in(raw, reply_to(person, "letter"))
    assert letter.kind == "help"
    assert "write “yes” to begin" in " ".join(letter.context["lines"])


def test_leaving_says_goodbye_and_twice_does_no_harm(ada, take_in, mail, reply_to, current):
    (goodbye,) = take_in(mail("unsubscribe"), reply_to(ada))
    assert goodbye.kind == "goodbye"
    assert current(ada).status == "unsubscribed"
    take_in(mail("unsubscribe"), reply_to(ada))
    assert current(ada).status == "unsubscribed"


def test_whoever_asks_us_not_to_end_it_is_not_unsubscribed(ada, take_in, mail, reply_to, current):
    raw = mail(
        "No, please do not! I still read it, see https://lab.example", subject="Re: unsubscribe"
    )
    (letter,) = take_in(raw, reply_to(ada))
    assert letter.kind == "help"
    assert current(ada).status == "active"


def test_whatever_is_written_to_the_leaving_address_is_leaving(ada, take_in, proven, current):
    take_in(proven("Hello there", subject="Hello"), "unsubscribe@papers.example")
    assert current(ada).status == "unsubscribed"


def test_who_left_and_comes_back_is_asked_again(ada, take_in, mail, reply_to, current):
    take_in(mail("unsubscribe"), reply_to(ada))
    (reply,) = take_in(mail("subscribe"), reply_to(ada))
    assert reply.kind == "confirm"
    assert current(ada).status == "pending"


def test_the_unsubscribe_token_needs_no_proof_of_who_wrote(ada, take_in, mail, token, current):
    raw = mail(subject=f"unsubscribe {token(ada)}", **{"from": "eve@evil.example"})
    (goodbye,) = take_in(raw, "unsubscribe@papers.example")
    assert current(ada).status == "unsubscribed"
    assert goodbye.recipient == ada.email, "the answer goes to the subscriber, not to From"


def test_a_mail_program_that_unsubscribes_by_itself_is_obeyed_and_not_answered(
    ada, take_in, mail, token, current
):
    raw = mail(
        subject=f"unsubscribe%20{token(ada)}", auto_submitted="auto-generated", return_path="<>"
    )
    assert take_in(raw, "unsubscribe@papers.example") == ()
    assert current(ada).status == "unsubscribed"


def test_a_mail_that_only_quotes_our_links_unsubscribes_nobody(ada, take_in, mail, token, current):
    link = f"https://papers.example/u/{token(ada)}"
    body = f"I am away.\n\nUnsubscribe:\n{link}\n"
    take_in(mail(body, auto_submitted="auto-replied"), "help@papers.example")
    assert current(ada).status == "active"


def test_a_token_that_is_not_ours_unsubscribes_nobody(ada, take_in, mail, token, current):
    forged = token(ada)[:-1] + ("A" if token(ada)[-1] != "A" else "B")
    other_scope = token(ada, "feed")
    for each in (forged, other_scope):
        assert take_in(mail(subject=f"unsubscribe {each}"), "unsubscribe@papers.example") == ()
    assert current(ada).status == "active"


def test_forgetting_is_confirmed_by_one_click(ada, take_in, mail, reply_to, current):
    (reply,) = take_in(mail("forget me"), reply_to(ada))
    assert reply.kind == "account"
    assert current(ada).status == "active"


def test_without_pages_forgetting_is_confirmed_by_one_more_mail(
    ada, take_in, mail, reply_to, current, policy
):
    without_pages = replace(policy.site, url="")
    (question,) = take_in(mail("forget me"), reply_to(ada), site=without_pages)
    assert (question.kind, question.context["title"]) == ("answer", "Delete everything?")
    assert current(ada).status == "active"

    asked = reply_to(ada, f"letter-{question.context['mark']}")
    (reply,) = take_in(mail("forget me"), asked, site=without_pages)
    assert (reply.kind, reply.context["erased"]) == ("goodbye", True)
    assert current(ada) is None


@pytest.mark.parametrize("confirmed", [True, False])
def test_a_yes_to_whether_all_is_to_be_deleted_is_asked_to_say_so(
    subscribe, take_in, mail, reply_to, current, policy, confirmed
):
    person = subscribe(confirmed=confirmed)
    without_pages = replace(policy.site, url="")
    (question,) = take_in(mail("forget me"), reply_to(person), site=without_pages)
    asked = reply_to(person, f"letter-{question.context['mark']}")

    for body in ("yes", "") if not confirmed else ("yes",):
        (again,) = take_in(mail(body, subject="Re: Delete everything"), asked, site=without_pages)
        assert again.context["lines"] == question.context["lines"]
        assert again.context["title"] == question.context["title"]
        assert again.context["mark"] == question.context["mark"]
        assert current(person).status == person.status


@pytest.mark.parametrize("body", ["settings", "what is this?"])
def test_who_writes_something_else_to_that_question_can_confirm_afterwards(
    subscribe, take_in, mail, reply_to, current, policy, body
):
    person = subscribe(confirmed=False)
    without_pages = replace(policy.site, url="")
    (question,) = take_in(mail("forget me"), reply_to(person), site=without_pages)
    asked = reply_to(person, f"letter-{question.context['mark']}")

    (answer,) = take_in(mail(body), asked, site=without_pages)
    assert "mark" not in answer.context
    take_in(mail("yes"), reply_to(person, "letter"), site=without_pages)
    assert current(person).status == "active"


# --- whom is believed -----------------------------------------------------------------------------


def test_nobody_is_answered_who_proves_nothing(ada, take_in, mail, current, store):
    for body in ("unsubscribe", "help", "weekly", "subscribe cs.LG"):
        assert take_in(mail(body)) == ()
        assert take_in(mail(body, **{"from": "new@example.org"})) == ()
    assert current(ada).status == "active"
    assert store.subscribers.by_email("new@example.org") is None


def test_a_tag_acts_for_its_subscriber_whatever_from_says(ada, take_in, mail, reply_to, current):
    (answer,) = take_in(mail("weekly", **{"from": "eve@evil.example"}), reply_to(ada))
    assert current(ada).cadence == "weekly"
    assert answer.recipient == ada.email


def test_a_tag_works_in_capitals_and_from_the_header(ada, take_in, mail, reply_to, current):
    take_in(mail("weekly", to=f"Digest <{reply_to(ada).upper()}>"))
    assert current(ada).cadence == "weekly"


def test_a_tag_of_another_scope_person_or_domain_proves_nothing(
    ada, subscribe, take_in, mail, reply_to, bounces_to, current
):
    bo = subscribe("bo@example.org")
    mixed = reply_to(ada).replace(ada.id, bo.id)
    wrong = bounces_to(ada).replace("bounce+", "reply+")
    elsewhere = reply_to(ada).replace("papers.example", "evil.example")
    for address in (mixed, wrong, elsewhere):
        assert take_in(mail("weekly"), address) == ()
    assert {current(ada).cadence, current(bo).cadence} == {"daily"}


def test_a_new_key_ends_the_old_tags(ada, store, take_in, mail, reply_to):
    address = reply_to(ada)
    subscriptions.revoke(store, ada)
    assert take_in(mail("weekly"), address) == ()


def test_a_proven_stranger_is_told_that_there_is_no_subscription(take_in, proven):
    replies = take_in(proven("weekly"))
    assert "subscribe@papers.example" in said(replies)
    (reply,) = replies
    assert (reply.subscriber, reply.recipient) == (None, "ada@example.org")


def test_a_suppressed_address_is_written_to_by_nothing(ada, store, take_in, proven):
    store.subscribers.set_status(ada.id, Status.SUPPRESSED)
    assert take_in(proven("help")) == ()


# --- changes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "field", "value", "undo"),
    [
        ("weekly", "cadence", "weekly", "“daily”"),
        ("fridays", "weekday", 4, "“daily”"),
        ("at 6:30", "at", time(6, 30), "“at 07:00”"),
        ("zone europe/berlin", "tz", "Europe/Berlin", "“zone UTC”"),
        ("limit 5", "limit", 5, "“limit 10”"),
        ("floor sure", "floor", FLOORS["sure"], "“floor any”"),
        ("pause 2 weeks", "paused_until", datetime(2026, 6, 24, tzinfo=UTC), "“resume”"),
        ("pause", "status", "paused", "“resume”"),
    ],
)
def test_schedule_changes_say_how_to_go_back(
    ada, take_in, mail, reply_to, current, line, field, value, undo
):
    assert undo in said(take_in(mail(line), reply_to(ada)))
    assert getattr(current(ada), field) == value


def test_what_undoes_a_change_can_be_written_back(ada, take_in, mail, reply_to, current, profile):
    moments = (NOW + timedelta(minutes=10 * each) for each in range(100))
    before = (current(ada), profile(ada))
    for line in ("weekly", "limit 5", "topics cs.CL", "keywords maps", "pause", "mute penguins"):
        answer = said(take_in(mail(line), reply_to(ada), at=next(moments)))
        undo = answer.rpartition("reply “")[2].rstrip("”.")
        take_in(mail(undo), reply_to(ada), at=next(moments))
        assert (current(ada), profile(ada)) == before, line


@pytest.mark.parametrize("line", ["topics cs.IR", "daily", "limit 10"])
def test_a_wish_for_what_is_so_already_has_nothing_to_undo(ada, take_in, mail, reply_to, line):
    assert "undo" not in said(take_in(mail(line), reply_to(ada)))


def test_what_is_in_the_profile_already_is_not_said_to_be_added_nor_taken_out_again(
    ada, take_in, mail, reply_to, profile
):
    before = profile(ada)
    answer = said(take_in(mail("subscribe cs.IR, Dual  Encoder"), reply_to(ada)))
    there = "Among your topics already: cs.IR. Among your keywords already: Dual Encoder."
    assert answer == f"Nothing has changed. {there} "
    assert profile(ada) == before

    answer = said(take_in(mail("subscribe cs.IR, cs.CL, old maps"), reply_to(ada)))
    added = "Added to your topics: cs.CL. Added to your keywords: old maps."
    assert f"{added} Among your topics already: cs.IR." in answer
    assert answer.endswith("“topics -cs.CL”, “keywords -old maps”.")
    take_in(mail("topics -cs.CL\nkeywords -old maps"), reply_to(ada))
    assert profile(ada) == before


@pytest.mark.parametrize(
    ("line", "lists"),
    [
        ("unfollow cs.IR", "topics: cs.IR"),
        ("Please unfollow information retrieval.", "topics: cs.IR"),
        ("stop following ada lovelace", "authors: Ada Lovelace"),
        ("unfollow author Ada Lovelace, dual encoder", "keywords: dual encoder"),
    ],
)
def test_what_is_followed_can_be_unfollowed_and_that_undone(
    ada, take_in, mail, reply_to, profile, line, lists
):
    take_in(mail("authors: Ada Lovelace"), reply_to(ada))
    before = profile(ada)
    answer = said(take_in(mail(line), reply_to(ada)))
    assert f"No longer among your {lists}." in answer
    assert profile(ada) != before
    undo = answer.rpartition("repl")[2].partition("“")[2].rstrip("”.").replace("”, “", "\n")
    take_in(mail(undo), reply_to(ada))
    assert profile(ada) == before


def test_what_is_not_followed_cannot_be_unfollowed(ada, take_in, mail, reply_to, profile):
    before = profile(ada)
    answer = said(take_in(mail("unfollow the news"), reply_to(ada)))
    assert answer.startswith("Nothing has changed. You do not follow “the news”")
    assert profile(ada) == before


def test_the_tag_of_the_address_a_wish_is_sent_to_is_no_wish(ada, take_in, mail, reply_to, profile):
    take_in(mail("subscribe cs.CL"), reply_to(ada))
    assert profile(ada) == {"topic": ["cs.IR", "cs.CL"], "keyword": ["dual encoder"]}


@pytest.mark.parametrize(
    ("what", "kind", "held"),
    [("", "mute", "penguins"), ("author ", "mute-author", "Bo"), ("topic ", "mute-topic", "cs.CV")],
)
def test_what_is_muted_already_is_not_offered_to_be_unmuted(
    ada, take_in, mail, reply_to, profile, what, kind, held
):
    take_in(mail(f"mute {what}{held}"), reply_to(ada))
    answer = said(take_in(mail(f"mute {what}{held.upper()}"), reply_to(ada)))
    assert answer == f"Nothing has changed. Muted already: {held.upper()}. "
    assert profile(ada)[kind] == [held]

    answer = said(take_in(mail(f"mute {what}{held}, cs.CL"), reply_to(ada)))
    assert f"Papers with these will not be shown: cs.CL. Muted already: {held}." in answer
    assert answer.endswith(f"“unmute {what}cs.CL”.")


def test_to_mute_nothing_is_answered(ada, take_in, mail, reply_to):
    assert "Say what is not to be shown" in said(take_in(mail("mute author :,"), reply_to(ada)))


def test_who_is_not_paused_and_resumes_is_not_offered_a_pause(
    ada, take_in, mail, reply_to, current
):
    answer = said(take_in(mail("resume"), reply_to(ada)))
    assert answer == "Nothing has changed. Your digests are not paused. "
    take_in(mail("pause"), reply_to(ada))
    assert "“pause”" in said(take_in(mail("resume"), reply_to(ada)))
    assert current(ada).status == "active"


def test_undoing_a_resume_brings_the_pause_back_with_its_end(ada, take_in, mail, reply_to, current):
    take_in(mail("pause 2 weeks"), reply_to(ada))
    until = current(ada).paused_until
    answer = said(take_in(mail("resume"), reply_to(ada)))
    assert "“pause until 24 June 2026”" in answer
    take_in(mail("pause until 24 June 2026"), reply_to(ada))
    assert current(ada).paused_until == until


@pytest.mark.parametrize("line", ["topics +{}", "topics: cs.IR, {}", "topics cs.IR {}"])
def test_the_name_of_a_preprint_servers_category_is_one_topic(
    ada, take_in, mail, reply_to, profile, line
):
    before = profile(ada)
    answer = said(take_in(mail(line.format("medrxiv:infectious diseases")), reply_to(ada)))
    assert "Did you mean medrxiv:infectious-diseases?" in answer
    assert profile(ada) == before


def test_topics_with_a_colon_can_stand_beside_others(ada, take_in, mail, reply_to):
    answer = said(take_in(mail("topics acm:H.3 acm:H.4"), reply_to(ada)))
    assert "There is no topic 'acm:H.3'." in answer
    answer = said(take_in(mail("topics +biorxiv:ecology medrxiv:oncology cs.CL"), reply_to(ada)))
    assert "Your topics are now: cs.IR, biorxiv:ecology, medrxiv:oncology, cs.CL." in answer


def test_only_what_is_muted_can_be_unmuted(ada, take_in, mail, reply_to, profile):
    take_in(mail("mute penguins, old maps"), reply_to(ada))
    answer = said(take_in(mail("unmute penguins old maps"), reply_to(ada)))
    assert "Nothing has changed" in answer
    assert "You mute: penguins, old maps." in answer
    assert profile(ada)["mute"] == ["penguins", "old maps"]

    answer = said(take_in(mail("unmute Penguins, walruses"), reply_to(ada)))
    assert "can be shown again: penguins." in answer
    assert "“mute penguins”" in answer
    assert profile(ada)["mute"] == ["old maps"]


def test_topics_are_replaced_or_added_to_and_taken_away(ada, take_in, mail, reply_to, profile):
    def topics_after(line):
        take_in(mail(line), reply_to(ada))
        return profile(ada).get("topic", [])

    assert topics_after("topics cs.CL, Machine Learning") == ["cs.CL", "cs.LG"]
    assert topics_after("topics +cs.IR -cs.CL") == ["cs.LG", "cs.IR"]
    assert topics_after("topics +cs.CL，-cs.IR") == ["cs.LG", "cs.CL"]
    assert topics_after("topics -cs.CL；cs.LG、+cs.LG，cs.IR") == ["cs.LG", "cs.IR"]
    assert topics_after("subscribe cs.CV") == ["cs.LG", "cs.IR", "cs.CV"]
    assert topics_after("topics none") == []


def test_values_without_a_sign_have_that_of_the_one_before(ada, take_in, mail, reply_to, profile):
    def keywords_after(line):
        take_in(mail(line), reply_to(ada))
        return profile(ada)["keyword"]

    assert keywords_after("keywords +maps, fog") == ["dual encoder", "maps", "fog"]
    assert keywords_after("keywords -maps, fog, +glass") == ["dual encoder", "glass"]
    assert keywords_after("keywords −glass +ice +slow glass") == [
        "dual encoder",
        "ice",
        "slow glass",
    ]
    assert keywords_after("keywords + , maps")[3:] == ["maps"]
    take_in(mail("topics +cs.CL cs.LG"), reply_to(ada))
    assert profile(ada)["topic"] == ["cs.IR", "cs.CL", "cs.LG"]


def test_a_remark_about_a_list_is_told_what_is_in_it_and_how_to_change_it(
    ada, take_in, mail, reply_to, profile
):
    answer = said(take_in(mail("Keywords are great, thanks!"), reply_to(ada)))
    assert answer.startswith("Nothing has changed. Your keywords: dual encoder.")
    assert "“keywords: …”" in answer
    assert profile(ada)["keyword"] == ["dual encoder"]


def test_a_long_list_is_taken_whole_however_a_mail_program_broke_it(
    ada, take_in, mail, reply_to, profile
):
    wanted = [f"retrieval method number {each}" for each in range(60)]
    line = f"keywords: {', '.join(wanted)}"
    flowed = line.replace("method number ", "method \nnumber ")
    for body, kind in ((line, ""), (line.replace(", ", ",\n"), ""), (flowed, "; format=flowed")):
        take_in(mail("keywords none"), reply_to(ada))
        take_in(mail(body, content_type=f"text/plain; charset=utf-8{kind}"), reply_to(ada))
        assert profile(ada)["keyword"] == wanted


def test_a_topic_that_there_is_not_changes_nothing_and_says_so(
    ada, take_in, mail, reply_to, profile
):
    answer = said(take_in(mail("topics cs.IR cs.NOPE"), reply_to(ada)))
    assert "cs.NOPE" in answer
    assert "`digest" not in answer, "no hints for a command line"
    assert profile(ada)["topic"] == ["cs.IR"]


def test_keywords_authors_and_mutes(ada, take_in, mail, reply_to, profile):
    lines = (
        "keywords: dual encoder, old maps\nauthors: Jane Doe\nmute penguins\nmute author Bo Sample"
    )
    take_in(mail(lines), reply_to(ada))
    assert profile(ada) == {
        "topic": ["cs.IR"],
        "keyword": ["dual encoder", "old maps"],
        "author": ["Jane Doe"],
        "mute": ["penguins"],
        "mute-author": ["Bo Sample"],
    }


def test_a_keyword_that_tells_nothing_is_not_taken_and_the_answer_says_so(
    ada, take_in, mail, reply_to, profile
):
    before = profile(ada)
    replies = take_in(mail("keywords +the\nweekly"), reply_to(ada))
    assert "does not tell papers apart" in said(replies)
    assert profile(ada) == before


def test_a_keyword_that_tells_nothing_does_not_stand_in_the_way_of_subscribing(
    take_in, proven, profile
):
    (reply,) = take_in(proven("keywords: the, dual encoder", subject="subscribe cs.IR"))
    assert reply.kind == "confirm"
    assert profile(reply.subscriber) == {"topic": ["cs.IR"], "keyword": ["dual encoder"]}


def test_several_commands_have_one_answer(ada, take_in, mail, reply_to):
    replies = take_in(mail("weekly\nlimit 5\npause until smarch"), reply_to(ada))
    assert len(replies) == 1
    assert "“daily”" in said(replies)
    assert "smarch" in said(replies), "what cannot be done is said beside what was"


def test_settings_say_what_comes_and_what_for(ada, take_in, mail, reply_to):
    answer = said(take_in(mail("settings"), reply_to(ada)))
    assert "cs.IR" in answer
    assert "dual encoder" in answer
    assert "07:00" in answer
    assert "liked" not in answer


def test_settings_say_how_many_papers_were_liked(ada, compose, take_in, mail, reply_to):
    compose(ada)
    take_in(mail("more 2 3"), reply_to(ada))
    assert "Papers you liked: 2." in said(take_in(mail("settings"), reply_to(ada)))


def test_undo_after_a_change_of_settings_says_where_its_undoing_stands(
    ada, take_in, mail, reply_to, current
):
    take_in(mail("pause"), reply_to(ada))
    answer = said(take_in(mail("undo"), reply_to(ada)))
    assert "Our answer to a change of settings says how to undo that change." in answer
    assert current(ada).status is Status.PAUSED


def test_export_comes_as_a_file_without_secrets(ada, take_in, mail, reply_to):
    (reply,) = take_in(mail("export"), reply_to(ada))
    name, kind, content = reply.attachment
    assert (reply.kind, kind) == ("export", "application/json")
    assert name.endswith(".json")
    assert json.loads(content)["profile"]["email"] == ada.email
    assert ada.key.encode() not in content


@pytest.mark.parametrize(("line", "kind"), [("help", "help"), ("link", "link")])
def test_letters_that_are_asked_for(ada, take_in, mail, reply_to, line, kind):
    (reply,) = take_in(mail(line), reply_to(ada))
    assert reply.kind == kind


def test_what_is_not_understood_is_explained_once_a_day(ada, take_in, mail, reply_to):
    def write(at):
        return [each.kind for each in take_in(mail("lovely weather"), reply_to(ada), at=at)]

    assert write(NOW) == ["help"]
    assert write(NOW + timedelta(hours=2)) == []
    assert write(NOW + timedelta(hours=25)) == ["help"]


# --- answers to a digest --------------------------------------------------------------------------


def test_numbered_papers_are_answered_with_when_where_and_why(
    ada, store, compose, papers, take_in, mail, reply_to
):
    compose(ada)
    answer = said(take_in(mail("more 2\nless 3; save 1"), reply_to(ada)))
    assert "Counting penguins" in answer
    assert "“undo”" in answer
    given = {each.kind: each for each in store.feedback.of(ada.id)}
    assert given[FeedbackKind.MORE].paper_id == papers[1].id
    assert given[FeedbackKind.LESS].paper_id == papers[2].id
    assert given[FeedbackKind.SAVE].paper_id == papers[0].id
    more = given[FeedbackKind.MORE]
    assert (more.via, more.edition, more.rank) == (Via.MAIL, "2026-06-10", 2)
    assert "you follow" in more.reason


def test_undo_takes_back_all_that_was_said_last(
    ada, store, compose, take_in, mail, reply_to, profile
):
    compose(ada)
    before = profile(ada)
    take_in(mail("more 2 3"), reply_to(ada))
    answer = said(take_in(mail("undo"), reply_to(ada), at=NOW + timedelta(hours=1)))
    assert answer.count("Taken back: More like") == 2
    assert profile(ada) == before
    assert store.feedback.of(ada.id) == []
    answer = said(take_in(mail("undo"), reply_to(ada), at=NOW + timedelta(hours=2)))
    assert answer.startswith("Nothing has changed. There is no answer")


def test_what_stood_already_is_said_so_and_undo_leaves_what_was_said_since(
    ada, store, compose, take_in, mail, reply_to
):
    compose(ada)
    moments = (NOW + timedelta(hours=each) for each in range(9))

    def answer(line):
        return said(take_in(mail(line), reply_to(ada), at=next(moments)))

    answer("more 2")
    answer("save 1")
    again = answer("more 2")
    assert again == "Nothing has changed. More like “Counting penguins”, as you said already "
    both = answer("more 2, less 3")
    assert "More like “Counting penguins”, as you said already" in both
    assert both.endswith("Less like “Gradients in fog” To undo this, reply “undo”.")
    assert answer("undo") == "Taken back. Taken back: Less like “Gradients in fog” "
    assert {each.kind for each in store.feedback.of(ada.id)} == {
        FeedbackKind.MORE,
        FeedbackKind.SAVE,
    }


def test_what_was_taken_back_can_be_said_anew(ada, store, compose, take_in, mail, reply_to):
    compose(ada)
    for hour, line in enumerate(("more 2", "undo", "more 2")):
        answer = said(take_in(mail(line), reply_to(ada), at=NOW + timedelta(hours=hour)))
    assert "already" not in answer
    assert answer.endswith("“undo”.")
    assert len(store.feedback.of(ada.id)) == 1


def test_a_number_that_the_digest_has_not_is_said_so(ada, store, compose, take_in, mail, reply_to):
    compose(ada)
    answer = said(take_in(mail("more 2 9 0"), reply_to(ada)))
    assert "no paper 9 in the digest of 10 June: it has 4" in answer
    assert len(store.feedback.of(ada.id)) == 1


def test_where_nothing_could_be_done_the_answer_begins_with_that(ada, take_in, mail, reply_to):
    (answer,) = take_in(mail("pause until smarch"), reply_to(ada))
    assert answer.context["title"] == "Nothing has changed."
    assert answer.context["undo"] == ""


def test_who_has_left_is_told_so_with_every_answer(ada, take_in, mail, reply_to):
    take_in(mail("unsubscribe"), reply_to(ada))
    assert "You are not subscribed" in said(take_in(mail("weekly"), reply_to(ada)))


def test_the_answered_digest_is_found_by_tag_then_reference_then_it_is_the_latest(
    ada, store, compose, take_in, mail, proven, reply_to
):
    for edition in ("2026-06-08", "2026-06-09", "2026-06-10"):
        compose(ada, edition)
    take_in(mail("more 1"), reply_to(ada, "20260608"))
    take_in(proven("more 2", in_reply_to=f"<{ada.id}.2026-06-09@papers.example>"))
    take_in(proven("more 3"))
    assert {each.rank: each.edition for each in store.feedback.of(ada.id)} == {
        1: "2026-06-08",
        2: "2026-06-09",
        3: "2026-06-10",
    }


def test_a_reference_to_somebody_elses_digest_is_not_followed(
    ada, subscribe, store, compose, take_in, proven
):
    bo = subscribe("bo@example.org")
    compose(bo)
    answer = said(take_in(proven("more 1", in_reply_to=f"<{bo.id}.2026-06-10@papers.example>")))
    assert "no digest yet" in answer
    assert store.feedback.of(bo.id) == []


def test_a_digest_that_is_gone_is_said_so(ada, take_in, mail, reply_to):
    assert "not kept any more" in said(take_in(mail("more 1"), reply_to(ada)))


# --- once, and never lost -------------------------------------------------------------------------


def test_the_same_mail_acts_once_whichever_way_it_comes(ada, take_in, mail, reply_to):
    raw = mail("pause")
    assert take_in(raw, reply_to(ada))
    assert take_in(b"Received: from elsewhere\r\n" + raw, reply_to(ada)) == ()


@pytest.fixture
def offer_twice(take_in):
    """Offers a mail, a minute later once more, since its answer could not be kept at first."""

    def offer(raw, recipient, *, at):
        kept, busy = [], [StoreBusy("locked")]

        def answer(reply):
            if busy:
                raise busy.pop()
            kept.append(reply)

        with pytest.raises(RetryLater):
            take_in(raw, recipient, at=at, answer=answer)
        take_in(raw, recipient, at=at + timedelta(minutes=1), answer=answer)
        return kept

    return offer


def test_undo_that_is_offered_again_takes_back_no_more_and_tells_of_it(
    ada, store, compose, take_in, mail, reply_to, offer_twice
):
    compose(ada)
    for hour, line in enumerate(("save 1", "more 2 3")):
        take_in(mail(line), reply_to(ada), at=NOW + timedelta(hours=hour))

    answer = said(offer_twice(mail("undo"), reply_to(ada), at=NOW + timedelta(hours=2)))

    assert answer.startswith("Taken back.")
    assert answer.count("Taken back: More like") == 2
    assert [each.kind for each in store.feedback.of(ada.id)] == [FeedbackKind.SAVE]


def test_an_answer_that_is_offered_again_is_told_as_if_for_the_first_time(
    ada, compose, mail, reply_to, offer_twice
):
    compose(ada)
    answer = said(offer_twice(mail("more 2"), reply_to(ada), at=NOW))
    assert "already" not in answer
    assert answer.endswith("reply “undo”.")


def test_digests_that_are_on_their_way_are_said_to_be(ada, compose, take_in, mail, reply_to):
    compose(ada)
    answer = said(take_in(mail("again"), reply_to(ada)))
    assert answer == "Nothing has changed. They are on their way already. "


def test_a_mail_that_trips_us_is_kept_for_the_operator(ada, store, take_in, mail, reply_to, caplog):
    def fails(_reply):
        raise ZeroDivisionError("ada@example.org")

    raw = mail("settings")
    assert take_in(raw, reply_to(ada), answer=fails) == ()
    (kept,) = store.post.evidences()
    assert (str(kept.kind), kept.detail) == ("unread", "ZeroDivisionError")
    assert store.post.evidence(kept.id).raw == raw
    assert "ada@" not in caplog.text


def test_a_mail_that_cannot_even_be_read_is_kept_too(store, take_in, monkeypatch):
    def fails(_raw):
        raise ZeroDivisionError

    monkeypatch.setattr("digest.inbound.reading.read", fails)
    for _ in range(2):
        assert take_in(b"junk") == ()
    (kept,) = store.post.evidences()
    assert (str(kept.kind), store.post.evidence(kept.id).raw) == ("unread", b"junk")


def test_of_several_recipients_the_one_that_says_most_counts(ada, take_in, mail, reply_to, current):
    take_in(mail("weekly"), "help@papers.example", reply_to(ada), "ada@example.org")
    assert current(ada).cadence == "weekly"


def test_answers_stop_after_ten_in_an_hour_but_what_is_asked_is_still_done(
    ada, take_in, mail, reply_to, current
):
    answered = [bool(take_in(mail("settings"), reply_to(ada))) for _ in range(12)]
    assert answered == [True] * 10 + [False] * 2
    assert take_in(mail("unsubscribe"), reply_to(ada)) == ()
    assert current(ada).status == "unsubscribed"
