"""What machines write is neither answered nor obeyed."""

from datetime import timedelta

import pytest

from digest.inbound import guard, read

MACHINES = {
    "auto_submitted": ["auto-replied", "auto-generated", "Auto-Generated; owner-email=x"],
    "precedence": ["bulk", "list", "junk", "Auto_Reply"],
    "list_id": ["<news.example.org>"],
    "list_unsubscribe": ["<mailto:x@example.org>"],
    "x_auto_response_suppress": ["All", "OOF, AutoReply"],
    "x_autoreply": ["yes"],
    "x_loop": ["anything"],
    "feedback_type": ["abuse"],
    "return_path": ["<>"],
    "content_type": ['multipart/report; boundary="b"'],
    "subject": [
        "Out of Office: back on Monday",
        "Automatic reply: 8 papers",
        "Automatische Antwort: 8 papers",
        "Undeliverable: 8 papers",
    ],
    "from": [
        "MAILER-DAEMON@example.org",
        "no-reply@example.org",
        "owner-list@example.org",
        "list-request@example.org",
        "bounces+1=a@example.org",
        "digest@papers.example",
        "reply+anything@papers.example",
        None,
    ],
}


@pytest.mark.parametrize(
    ("field", "value"), [(name, each) for name, values in MACHINES.items() for each in values]
)
def test_marks_of_a_machine_are_seen(mail, policy, field, value):
    assert guard.silence(read(mail("help", **{field: value})), policy)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"auto_submitted": "no"},
        {"return_path": "<ada@example.org>"},
        {"precedence": "normal"},
        {"subject": "help"},
        {"x_auto_response_suppress": "None"},
        {"from": "nora.reply@example.org"},
        {"from": "somebody-of-the-lab@papers.example"},
    ],
)
def test_what_people_write_is_not_taken_for_a_machines(mail, policy, fields):
    assert not guard.silence(read(mail("help", **fields)), policy)


def test_none_of_them_is_answered_or_obeyed_however_well_it_proves_itself(
    mail, take_in, ada, reply_to, current
):
    for field, values in MACHINES.items():
        for value in values:
            raw = mail("unsubscribe", **{field: value, "to": reply_to(ada)})
            assert take_in(raw) == ()
    assert current(ada).status == "active"


def test_an_address_is_answered_ten_times_an_hour_and_thirty_times_a_day(store, now):
    often = [now + timedelta(minutes=5 * each) for each in range(4 * 12)]
    times = [*often, *(now + timedelta(hours=each) for each in range(4, 24))]
    answered = [each for each in times if guard.may_answer(store, "ada@example.org", now=each)]
    assert len([each for each in answered if each < now + timedelta(hours=1)]) == 10
    assert len(answered) == 30
    assert guard.may_answer(store, "bo@example.org", now=now)


def test_answers_under_many_tags_reach_one_mailbox_and_count_as_one(store, now):
    tagged = [f"ada+{n}@example.org" for n in range(11)]
    assert [guard.may_answer(store, each, now=now) for each in tagged] == [True] * 10 + [False]
    assert [guard.may_explain(store, each, now=now) for each in tagged[:2]] == [True, False]
