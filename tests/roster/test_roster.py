"""Subscribers travel as CSV and JSON Lines, and come back the same."""

import io
from datetime import UTC, datetime

import pytest

from digest import roster, subscriptions
from digest.config import arxiv_topics
from digest.errors import InvalidInput
from digest.model import FLOORS, InterestKind, Status, Subscriber, SuppressionReason
from digest.store import open_store


@pytest.fixture
def load(store, now):
    """Loads a text or file, into the store unless another is named."""

    def run(source, *, json_lines=False, confirmed=True, into=store, **told):
        file = io.StringIO(source) if isinstance(source, str) else source
        return roster.load(
            into,
            roster.read(file, json_lines=json_lines),
            topics=arxiv_topics(),
            defaults=Subscriber(id="", email="", key="", created_at=now),
            confirmed=confirmed,
            now=now,
            **told,
        )

    return run


@pytest.fixture
def suppress(store, now):
    """Puts the address of Ada on the suppression list, and gives back its hash."""

    def run(reason=SuppressionReason.COMPLAINED):
        hashed = subscriptions.address_hash(store, "ada@example.org")
        store.post.suppress(hashed, reason, now)
        return hashed

    return run


def people(store):
    return {
        person.email: (
            person.status,
            f"{person.at:%H:%M}",
            person.tz,
            str(person.cadence),
            person.weekday,
            person.limit,
            str(person.quiet),
            sorted((str(each.kind), each.value, each.weight) for each in interests),
            person.name,
            person.shows_name,
            person.paused_until,
            person.floor,
        )
        for person, interests in store.subscribers.all()
    }


CSV = """email,topics,keywords,at,tz,cadence,limit,quiet
ada@example.org,cs.IR; cs.CL,"dual encoder; ranking, fast",7:30,Europe/Berlin,friday,5,nothing
noor@example.org,q-bio.NC,,,,,,
"""

NUMBERS = """email,floor,keywords,weights
numbers@example.org,0.00001,maps,keywords:maps=2.3456789
"""

EVERYTHING = (
    "email,name,shows_name,status,paused_until,floor,topics,queries,known,dislikes,mute_authors,"
    "mute_topics,weights\n"
    "bo@example.org,Bo Sample,yes,paused,2026-12-24,likely,cs.IR; cs.LG,dual encoder,2606.00001,"
    "10.1000/xyz,Ada Example,cs.CV,topics:cs.IR=2.5; dislikes:doi:10.1000/xyz=0.5\n"
)


def test_a_table_of_people_is_read(load, store):
    result = load(CSV)
    assert (result.added, result.known, result.rejected) == (2, 0, 0)
    ada = people(store)["ada@example.org"]
    assert ada[:7] == (Status.ACTIVE, "07:30", "Europe/Berlin", "weekly", 4, 5, "nothing")
    assert (str(InterestKind.KEYWORD), "ranking, fast", 1.0) in ada[7]


def test_names_pauses_and_weights_are_read(load, store):
    load(EVERYTHING)
    bo = people(store)["bo@example.org"]
    assert (bo[0], bo[8:]) == (
        Status.PAUSED,
        ("Bo Sample", True, datetime(2026, 12, 24, tzinfo=UTC), FLOORS["likely"]),
    )
    assert bo[7] == [
        ("dislike", "doi:10.1000/xyz", 0.5),
        ("known", "arxiv:2606.00001", 1.0),
        ("mute-author", "Ada Example", 1.0),
        ("mute-topic", "cs.CV", 1.0),
        ("query", "dual encoder", 1.0),
        ("topic", "cs.IR", 2.5),
        ("topic", "cs.LG", 1.0),
    ]


@pytest.mark.parametrize(
    "doi",
    [
        "10.1002/(sici)1097-4571(199009)41:6<391::aid-asi1>3.0.co;2-9",
        "10.1890/0012-9658(2004)085[1523:fafdf]2.0.co;2",
        "10.1000/a;b",
    ],
)
def test_a_semicolon_inside_a_doi_parts_no_papers(load, store, doi):
    load(
        "email,likes,known,weights\n"
        f"ada@example.org,{doi};2606.00001;,{doi}; 10.1000/xyz;hep-th/9901001 ;https://doi.org/10.1000/q,"
        f"likes:doi:{doi}=2;known:10.1000/xyz=3\n"
    )
    kept = people(store)["ada@example.org"]
    assert kept[7] == sorted(
        [
            ("known", "arxiv:hep-th/9901001", 1.0),
            ("known", "doi:10.1000/q", 1.0),
            ("known", "doi:10.1000/xyz", 3.0),
            ("known", f"doi:{doi}", 1.0),
            ("like", "arxiv:2606.00001", 1.0),
            ("like", f"doi:{doi}", 2.0),
        ]
    )
    out = io.StringIO(newline="")
    roster.write(out, store.subscribers.all(), json_lines=False)
    load(out.getvalue().replace("ada@", "again@"))
    assert people(store)["again@example.org"] == kept


@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        ("weights", "cs.IR=2", "written like topics:cs.IR=2"),
        ("weights", "topics:cs.IR=heavy", "written like topics:cs.IR=2"),
        ("weights", "topics:cs.IR=50", "from 0.1 to 5"),
        ("paused_until", "soon", "2026-12-24"),
        ("floor", "high", "any, likely, sure"),
        ("keywords", "the", "does not tell papers apart"),
        ("name", "http://x.example", "no address"),
    ],
)
def test_a_cell_that_cannot_be_used_says_how_to_write_it(load, column, cell, words):
    result = load(f"email,status,{column}\nada@example.org,paused,{cell}\n")
    ((line, cause),) = result.problems
    assert line == 2
    assert words in cause


def test_a_suppressed_address_is_added_only_by_those_who_vouch(load, store, suppress):
    hashed = suppress()

    result = load(CSV, confirmed=False)
    assert (result.added, result.rejected) == (1, 1)
    assert "reported our mail as spam" in result.problems[0][1]
    assert "ada@" not in result.problems[0][1]

    assert load(CSV).added == 1
    assert store.post.suppression(hashed) is None


def test_who_is_known_is_left_alone_and_stays_on_the_suppression_list(load, store, suppress):
    load(CSV)
    hashed = suppress()

    again = load(CSV)

    assert (again.added, again.known) == (0, 2)
    assert store.post.suppression(hashed) is SuppressionReason.COMPLAINED


@pytest.mark.parametrize(
    ("statuses", "reason"),
    [
        (["active"], None),
        (["paused"], None),
        ([""], None),
        (["pending"], SuppressionReason.BOUNCED),
        (["unsubscribed"], SuppressionReason.BOUNCED),
        (["suppressed"], SuppressionReason.BOUNCED),
        (["suppressed", "active"], SuppressionReason.BOUNCED),
        (["active", "suppressed"], None),
    ],
)
@pytest.mark.parametrize("block", [1, 10])
def test_who_is_added_to_get_no_mail_stays_on_the_suppression_list(
    load, store, suppress, monkeypatch, statuses, reason, block
):
    monkeypatch.setattr("digest.roster.loading.BLOCK", block)
    hashed = suppress(SuppressionReason.BOUNCED)

    lines = [f"ada@example.org,{each}\n" for each in statuses]
    assert load("email,status\n" + "".join(lines)).added == 1

    assert store.subscribers.by_email("ada@example.org").status == (
        "suppressed" if "suppressed" in statuses else statuses[0] or "active"
    )
    assert store.post.suppression(hashed) is reason


def test_problems_are_told_in_the_order_of_the_lines(load, suppress):
    suppress()

    result = load("email\nnobody\nada@example.org\nbo@example.org\n@\n", confirmed=False)

    assert (result.added, result.rejected) == (1, 3)
    assert [line for line, _ in result.problems] == [2, 3, 5]


def test_who_comes_in_one_block_lies_together_in_the_store(load, store):
    load("email\n" + "".join(f"reader{n}@example.org\n" for n in range(20)))

    ids = [person.id for person, _ in store.subscribers.all()]
    assert len(set(ids)) == 20
    assert len({each[:6] for each in ids}) == 1


def test_a_file_longer_than_a_block_is_added_whole(load, store, monkeypatch):
    monkeypatch.setattr("digest.roster.loading.BLOCK", 4)
    lines = [f"reader{number % 9}@example.org,cs.IR\n" for number in range(11)]

    result = load("email,topics\n" + "".join(lines))

    assert (result.added, result.known, result.rejected) == (9, 2, 0)
    assert all(row[7] == [("topic", "cs.IR", 1.0)] for row in people(store).values())


@pytest.mark.parametrize("confirmed", [True, False])
@pytest.mark.parametrize("ending", ["unsubscribed", "suppressed"])
def test_a_line_that_says_so_ends_a_known_subscription(load, store, confirmed, ending):
    before = ["active", "paused", "pending", "unsubscribed", "suppressed"]
    load("email,status\n" + "".join(f"{each}@example.org,{each}\n" for each in before))

    result = load(
        "email,status\n" + "".join(f"{each}@example.org,{ending}\n" for each in before),
        confirmed=confirmed,
    )

    assert (result.added, result.known, result.ended) == (0, 5, 3)
    kept = {person.email.partition("@")[0]: person for person, _ in store.subscribers.all()}
    # Who is suppressed can leave, and who has left stays so.
    assert [kept[each].status for each in before] == [*[ending] * 3, "unsubscribed", ending]
    assert not any(person.due_at for person in kept.values())


def test_a_line_ends_the_subscription_of_an_address_on_the_suppression_list_too(
    load, store, suppress
):
    load("email\nada@example.org\n")
    suppress()

    result = load("email,status\nada@example.org,unsubscribed\n", confirmed=False)

    assert (result.rejected, result.ended) == (1, 1)
    assert people(store)["ada@example.org"][0] is Status.UNSUBSCRIBED


def test_a_line_ends_a_subscription_whatever_else_of_it_cannot_be_used(load, store):
    load("email\nzed@example.org\n")

    result = load(
        "email,status,topics\nzed@example.org,unsubscribed,nosuch.topic\n@,unsubscribed,\n"
    )

    assert (result.rejected, result.ended) == (2, 1)
    assert people(store)["zed@example.org"][0] is Status.UNSUBSCRIBED


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Unsubscribed ", "unsubscribed"),
        ("UNSUBSCRIBED", "unsubscribed"),
        ("blocklisted", "suppressed"),
        ("disabled", "suppressed"),
        ("Cleaned", "suppressed"),
        ("enabled", "active"),
        ("Subscribed", "active"),
        ("unconfirmed", "active"),
    ],
)
def test_a_status_is_read_in_any_case_and_in_the_words_of_other_programs(load, store, said, meant):
    load("email\nada@example.org\n")

    result = load(f"email,status\nada@example.org,{said}\n")

    assert (result.known, people(store)["ada@example.org"][0]) == (1, meant)


def test_a_new_person_gets_mail_by_such_words_only_with_consent(load, store):
    load("email,status\nada@example.org,Subscribed\n", confirmed=False)
    load("email,status\nbo@example.org,Subscribed\ncy@example.org,unconfirmed\n")
    # Who is enabled in listmonk may have left all its lists.
    load("email_address,status\ndee@example.org,enabled\n")

    assert {email[:-12]: row[0] for email, row in people(store).items()} == {
        "ada": Status.PENDING,
        "bo": Status.ACTIVE,
        "cy": Status.PENDING,
        "dee": Status.PENDING,
    }


def test_of_a_status_that_nobody_knows_it_is_said_that_it_changed_nothing(load, store):
    load("email\nada@example.org\n")

    ((_, cause),) = load("email,status\nada@example.org,gone\n").problems

    assert "not 'gone'; this line changed nothing" in cause
    assert people(store)["ada@example.org"][0] is Status.ACTIVE


def test_no_line_brings_back_who_has_left(load, store):
    load("email,status\nada@example.org,unsubscribed\nbo@example.org,suppressed\n")

    again = load("email,status\nada@example.org,active\nbo@example.org,paused\n")

    assert (again.known, again.ended) == (2, 0)
    assert {row[0] for row in people(store).values()} == {Status.UNSUBSCRIBED, Status.SUPPRESSED}


@pytest.mark.parametrize("block", [1, 10])
def test_of_an_address_that_comes_twice_the_line_that_ends_it_is_not_lost(
    load, store, monkeypatch, block
):
    monkeypatch.setattr("digest.roster.loading.BLOCK", block)

    result = load(
        "email,status,limit\n"
        "ada@example.org,active,5\nada@example.org,unsubscribed,7\nada@example.org,suppressed,9\n"
        "bo@example.org,suppressed,5\nbo@example.org,active,7\n"
        "cy@example.org,suppressed,5\ncy@example.org,unsubscribed,7\n"
    )

    assert (result.added, result.known, result.ended) == (3, 4, 1)
    found = people(store)
    assert (found["ada@example.org"][0], found["ada@example.org"][5]) == (Status.UNSUBSCRIBED, 5)
    assert found["bo@example.org"][0] is Status.SUPPRESSED
    assert found["cy@example.org"][0] is Status.UNSUBSCRIBED


def test_of_two_opinions_on_a_paper_the_last_column_counts(load, store):
    load("email,likes,dislikes\nada@example.org,2606.00001; 2606.00002,2606.00001\n")

    assert people(store)["ada@example.org"][7] == [
        ("dislike", "arxiv:2606.00001", 1.0),
        ("like", "arxiv:2606.00002", 1.0),
    ]


def test_a_cell_is_not_mistaken_for_the_same_words_in_another_column(load, store):
    load("email,keywords,authors\nada@example.org,Kim,Kim\nbo@example.org,,Kim\n")

    found = people(store)
    assert found["ada@example.org"][7] == [("author", "Kim", 1.0), ("keyword", "Kim", 1.0)]
    assert found["bo@example.org"][7] == [("author", "Kim", 1.0)]


def test_who_wants_no_mail_is_not_asked_for_it_either(load, store):
    statuses = ["active", "paused", "", "pending", "unsubscribed", "suppressed"]
    rows = [f"reader{n}@example.org,{each}\n" for n, each in enumerate(statuses)]

    load("email,status\n" + "".join(rows), confirmed=False)

    found = people(store)
    assert [found[f"reader{n}@example.org"][0] for n in range(6)] == [
        *[Status.PENDING] * 4,
        Status.UNSUBSCRIBED,
        Status.SUPPRESSED,
    ]


@pytest.mark.parametrize("json_lines", [False, True])
def test_an_export_can_be_imported_again(load, store, tmp_path, json_lines):
    load(CSV + "zoë@example.org,cs.LG,naïve,,,weekdays,,\n")
    load(EVERYTHING)
    load(NUMBERS)
    before = people(store)
    out = io.StringIO(newline="")
    assert roster.write(out, store.subscribers.all(), json_lines=json_lines) == 5

    other = open_store(tmp_path / "other.db")
    other.migrate()
    out.seek(0)
    load(out, json_lines=json_lines, into=other)
    assert people(other) == before
    other.close()


def test_a_weight_is_read_however_its_interest_is_spelled(load, store):
    load(
        "email,topics,keywords,weights\na@x.org,cs.lg,Dual  Encoder,topics:cs.lg=5;keywords:Dual  Encoder=3\n"
    )
    assert people(store)["a@x.org"][7] == [
        ("keyword", "Dual Encoder", 3.0),
        ("topic", "cs.LG", 5.0),
    ]


def test_an_object_with_a_column_that_there_is_not_is_reported(load):
    result = load('{"email": "ada@example.org", "topic": ["cs.LG"]}\n', json_lines=True)
    assert (result.added, result.rejected) == (0, 1)
    assert "there is no column 'topic'" in result.problems[0][1]


def test_an_export_holds_no_secret(load, store):
    load(CSV)
    keys = [person.key for person, _ in store.subscribers.all()]
    out = io.StringIO()
    roster.write(out, store.subscribers.all(), json_lines=True)
    assert not any(key in out.getvalue() for key in keys)


def test_bad_lines_are_reported_and_the_good_ones_kept(load, store):
    result = load(
        "email,topics\nada@example.org,cs.LG\nnot an address,cs.LG\nbob@example.org,cs.NOPE\n,cs.LG\n"
    )
    assert (result.added, result.rejected) == (1, 3)
    assert [line for line, _ in result.problems] == [3, 4, 5]
    assert list(people(store)) == ["ada@example.org"]


def test_json_lines_that_are_not_objects_are_reported(load):
    result = load('{"email": "ada@example.org"}\n[1]\nnonsense\n\n', json_lines=True)
    assert (result.added, result.rejected) == (1, 2)


def test_a_quotation_mark_that_hides_people_is_reported_with_the_lines_it_hides(load, store):
    result = load(
        "email,keywords\n"
        'ann@example.org,"dense retrieval\n'
        "bob@example.org,ranking\n"
        'cyd@example.org,"\n'
        "dan@example.org,maps\n"
    )
    assert (result.added, result.rejected) == (1, 1)
    ((line, cause),) = result.problems
    assert line == 2
    assert cause.startswith("lines 2 to 4 are read as one")
    assert list(people(store)) == ["dan@example.org"]


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ('bo@example.org,"Bo" Bee\n', "this line cannot be read"),
        ('bo@example.org,"Bo\ncy@example.org,"Cy"\n', "lines 3 to 4 cannot be read"),
        ('bo@example.org,"' + "Bo\n" * 50_000, "lines 3 to "),
    ],
    ids=["within a cell", "over two lines", "over more than a cell may hold"],
)
def test_a_record_that_is_no_csv_is_reported_and_the_others_kept(load, store, broken, words):
    result = load(f"email,name\nada@example.org,Ada\n{broken}dee@example.org,Dee\n")
    assert set(people(store)) == {"ada@example.org", "dee@example.org"}
    line, cause = result.problems[0]
    assert line == 3
    assert cause.startswith(words)


def test_a_quotation_mark_that_never_closes_ends_the_import_at_its_line(load, store):
    result = load('email,name\nada@example.org,Ada\nbo@example.org,"Bo\ncy@example.org,Cy\n')
    assert set(people(store)) == {"ada@example.org"}
    ((line, cause),) = result.problems
    assert line == 3
    assert cause.startswith("lines 3 to 4 cannot be read")


def test_column_names_that_are_no_csv_are_refused(load):
    with pytest.raises(
        InvalidInput, match="names of the columns cannot be read: this line cannot be read"
    ):
        load('"email" address,name\nada@example.org,Ada\n')


def test_who_comes_before_what_is_not_utf_8_is_added_and_told_of(load, store):
    lines = [b"email", *(b"reader%d@example.org" % n for n in range(1000)), b"jos\xe9@example.org"]
    source = io.TextIOWrapper(io.BytesIO(b"\n".join(lines)), "utf-8")
    told: list[str] = []
    with pytest.raises(InvalidInput, match="not UTF-8 after line") as caught:
        load(source, entered=told.extend)
    assert told == [f"reader{n}@example.org" for n in range(len(told))]
    assert set(people(store)) == set(told)
    assert f"after line {1 + len(told)};" in str(caught.value)
    assert len(told) > 1


def test_of_a_file_that_is_no_utf_8_from_its_beginning_no_line_is_named(load):
    source = io.TextIOWrapper(io.BytesIO("email\n".encode("utf-16")), "utf-8")
    with pytest.raises(InvalidInput, match="The file is not UTF-8; save"):
        load(source)


def test_empty_columns_and_rows_of_a_spreadsheet_are_passed_over(load):
    result = load("email,name,,\nada@example.org,Ada,,\n,,,\n , ,,\n")
    assert (result.added, result.rejected) == (1, 0)


def test_cells_beyond_the_last_column_are_not_dropped_without_a_word(load, store):
    result = load("email,topics\nada@example.org,cs.IR, cs.CL, cs.LG\nbo@example.org,cs.IR,, \n")
    assert (result.added, result.rejected) == (1, 1)
    ((line, cause),) = result.problems
    assert line == 2
    assert "more cells than there are columns" in cause
    assert "separated by `;`" in cause
    assert list(people(store)) == ["bo@example.org"]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_cells_are_parted_by_what_parts_the_names_of_the_columns(load, store, mark):
    rows = (("Email", "Name", "Topics"), ("ada@example.org", '"Bee, Ada"', '"cs.IR; cs.LG"'))

    load("".join(mark.join(cells) + "\r\n" for cells in rows))

    ada = people(store)["ada@example.org"]
    assert (ada[8], ada[7]) == ("Bee, Ada", [("topic", "cs.IR", 1.0), ("topic", "cs.LG", 1.0)])


@pytest.mark.parametrize("name", ["Email Address", "E-Mail"])
def test_the_column_email_may_have_the_name_that_other_programs_give_it(load, store, name):
    load(f'"{name}";name\nada@example.org;Ada\n')
    assert people(store)["ada@example.org"][8] == "Ada"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it holds nothing. Cells are separated by commas, semicolons or tabs"),
        ("ada@example.org|Ada\n", r"one of them must be email; it holds ada@example.org\|ada\."),
        ("Email Address,First Name,Last Name\n", "no column 'first name', 'last name'; there are"),
        ("email,E-Mail\n", "names a column twice"),
        ("email" + ",x" * 500, "'x', …; there are email"),
    ],
)
def test_what_is_wrong_with_the_columns_is_said_at_once(load, text, words):
    with pytest.raises(InvalidInput, match=words) as caught:
        load(text)
    assert len(str(caught.value)) < 500
