"""What people write, and what it is taken for."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.inbound import commands
from digest.inbound.commands import Command, bare_subject, parse, wishes_of
from digest.inbound.grammar import Verb


def asked(*lines, subject=""):
    """The commands as (verb, text), and answers as ("more", 2)."""
    found = []
    for each in parse(subject, lines).commands:
        if each.verb is Verb.ANSWER:
            found.extend((str(kind), number) for kind, number in each.answers)
        else:
            found.append((str(each.verb), each.text))
    return found


def test_what_stands_below_a_bare_subscribe_is_what_one_wishes(topics):
    (command,) = parse("subscribe", ["cs.IR, retrieval", "dual encoder"]).commands

    wishes = wishes_of([command], topics)

    assert command.verb is Verb.SUBSCRIBE
    assert tuple(wishes.topics) == ("cs.IR", "retrieval")
    assert tuple(wishes.keywords) == ("dual encoder",)


@pytest.mark.parametrize(
    "line",
    [
        "unsubscribe",
        "UNSUBSCRIBE",
        "Unsubscribe.",
        "please unsubscribe me",
        "Please remove me from this mailing list!",
        "stop",
        "STOP sending me these emails please",
        "I want to cancel my subscription",
        "opt out",
        "take me off your list, thank you",
        "bitte abmelden",
        "stop emailing me",
        "no more emails, please",
        "No more digests!",
    ],
)
def test_ways_to_leave(line):
    assert asked(line) == [("unsubscribe", "")]
    assert asked(subject=line) == [("unsubscribe", "")]


NAMES = ("Lab Digest", "ada@example.org", "")


@pytest.mark.parametrize(
    "line",
    [
        "Unsubscribe from Lab Digest",
        "please take me off the lab digest list",
        "stop LAB DIGEST",
        "unsubscribe digest Ada@example.org",
        "unsubscribe <ada@example.org>",
    ],
)
def test_leaving_by_the_name_of_what_is_left(line):
    by_line = parse("", [line], names=NAMES).commands
    by_subject = parse(line, [], names=NAMES).commands

    assert (
        [each.verb for each in by_line] == [each.verb for each in by_subject] == [Verb.UNSUBSCRIBE]
    )


def test_the_name_of_a_site_is_a_word_like_any_other_elsewhere():
    (command,) = parse("", ["keywords: lab digest, tides"], names=NAMES).commands

    assert (command.verb, command.text) == (Verb.KEYWORDS, "lab digest, tides")
    for line in ("is Lab Digest unsubscribed?", "unsubscribe bo@example.org"):
        assert parse("", [line], names=NAMES).commands == ()


@pytest.mark.parametrize(
    "line",
    [
        "I would never unsubscribe from this",
        "don't stop",
        "do not unsubscribe me",
        "how do I unsubscribe?",
        "stop showing me papers about penguins",
        "remove paper 3",
        "can you remove the second topic",
        "unsubscribe button does not work",
        "non-stop learning",
        "No more digests?",
        "no more emails from you?",
        "no more digests like this, please",
        "> unsubscribe",
    ],
)
def test_a_sentence_about_leaving_is_not_leaving(line):
    assert ("unsubscribe", "") not in asked(line)


@pytest.mark.parametrize("line", ["forget me", "Forget me!", "please forget me"])
def test_forgetting_must_be_said_plainly(line):
    assert asked(line) == [("forget", "")]


@pytest.mark.parametrize("line", ["forget me not", "you forgot me", "forget about the last paper"])
def test_anything_but_those_words_forgets_nobody(line):
    assert ("forget", "") not in asked(line)


@pytest.mark.parametrize(
    ("line", "answers"),
    [
        ("more 2 5", [("more", 2), ("more", 5)]),
        ("More: 2, 5.", [("more", 2), ("more", 5)]),
        ("more 2 and 5; less 3", [("more", 2), ("more", 5), ("less", 3)]),
        ("more like 2 please", [("more", 2)]),
        ("+2 -3", [("more", 2), ("less", 3)]),
        ("+2, −3", [("more", 2), ("less", 3)]),
        ("less #3", [("less", 3)]),
        ("hide paper 3", [("less", 3)]),
        ("I knew 4, mute 3", [("known", 4), ("less", 3)]),
        ("save 1 for later", [("save", 1)]),
        ("known 4", [("known", 4)]),
        ("I already knew 4 and 6", [("known", 4), ("known", 6)]),
        ("upvote 1", [("upvote", 1)]),
        ("more 2 2", [("more", 2)]),
    ],
)
def test_answers_to_numbered_papers(line, answers):
    assert asked(line) == answers


@pytest.mark.parametrize(
    "line",
    [
        "more",
        "more papers",
        "more in 2026",
        "I need 2 more",
        "less is more",
        "2",
        "more 2 cats",
        "Follow up on paper 3",
        "Follow-up on this",
        "Add paper 3 to my list",
    ],
)
def test_a_number_in_a_sentence_is_no_answer(line):
    assert asked(line) == []


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("weekly", ("cadence", "weekly")),
        ("Send it weekdays, please", ("cadence", "weekdays")),
        ("fridays", ("cadence", "fridays")),
        ("every day", ("cadence", "every day")),
        ("at 7:30", ("at", "7:30")),
        ("at 7 pm", ("at", "7 pm")),
        ("zone Europe/Berlin", ("zone", "Europe/Berlin")),
        ("timezone: UTC", ("zone", "UTC")),
        ("limit 5", ("limit", "5")),
        ("show only 5 papers please", ("limit", "5")),
        ("floor likely", ("floor", "likely")),
        ("My floor is 20 %, please", ("floor", "20 %")),
        ("floor: 0.25", ("floor", "0.25")),
        ("pause", ("pause", "")),
        ("pause 2 weeks", ("pause", "2 weeks")),
        ("please pause until monday", ("pause", "until monday")),
        ("resume", ("resume", "")),
        ("resume, please", ("resume", "")),
        ("mark all as read, thanks", ("seen", "")),
        ("mute blockchain", ("mute", "blockchain")),
        ("unmute Blockchain", ("unmute", "Blockchain")),
        ("topics cs.IR cs.CL", ("topics", "cs.IR cs.CL")),
        ("Topics: cs.IR", ("topics", "cs.IR")),
        ("keywords: dense retrieval, LLM", ("keywords", "dense retrieval, LLM")),
        ("authors Jane Doe", ("authors", "Jane Doe")),
        ("keywords: attention is all you need", ("keywords", "attention is all you need")),
        ("keywords +what I like", ("keywords", "+what I like")),
        ("keywords transform*", ("keywords", "transform*")),
        ("keywords: tokeniz*, quantiz*", ("keywords", "tokeniz*, quantiz*")),
        ("“keywords: tokeniz*, quantiz*”", ("keywords", "tokeniz*, quantiz*")),
        ("“keywords: tokeniz*, quantiz*”.", ("keywords", "tokeniz*, quantiz*")),
        ("“topics: cs.IR”.", ("topics", "cs.IR")),
        ("*keywords: maps*", ("keywords", "maps")),
        ("*keywords: tokeniz*, maps*", ("keywords", "tokeniz*, maps")),
        ("keywords large language models for code", ("keywords", "large language models for code")),
        ("topics none", ("topics", "none")),
        ("subscribe cs.IR", ("subscribe", "cs.IR")),
        ("undo", ("undo", "")),
        ("Could you send me last week's again?", ("again", "")),
        ("mark all as seen", ("seen", "")),
        ("my settings", ("settings", "")),
        ("link please", ("link", "")),
        ("export my data", ("export", "")),
        ("HELP!", ("help", "")),
        ("?", ("help", "")),
        ("yes please", ("confirm", "")),
        ("OK", ("confirm", "")),
        ("Yes, thank you!", ("confirm", "")),
        ("Yes, I confirm", ("confirm", "")),
    ],
)
def test_each_command_as_people_say_it(line, command):
    assert asked(line) == [command]


@pytest.mark.parametrize(
    "line",
    [
        "Authors of paper 2 are great, thanks!",
        "Author names are missing in paper 3",
        "Keywords seem off today, I get too many robotics papers",
        "Keywords based search shows mostly old and boring robotics",
        "Topics are too broad for me",
        "My keywords don’t match",
        "my authors, they never show up",
        "keywords are all you need",
    ],
)
def test_a_remark_about_a_list_asks_what_is_in_it_and_replaces_nothing(line):
    command = parse("", [line]).commands[0]
    assert command.verb in (Verb.AUTHORS, Verb.KEYWORDS, Verb.TOPICS)
    assert command.doubted


@pytest.mark.parametrize(
    "line",
    [
        "keywords in-context learning",
        "keywords on-policy RL",
        "keywords to-do lists, can-do attitude",
        "authors Will Smith, Can Xu",
        "authors Do Kim",
        "authors Yi Wu, Thi My Le, Will Kurt",
        "authors Émile Will, Do Łukasz",
    ],
)
def test_names_and_compounds_of_small_words_are_values(line):
    (command,) = parse("", [line]).commands
    assert not command.doubted


def test_who_signs_up_gets_also_what_reads_like_a_remark(topics):
    lines = ["keywords in context learning", "authors Will"]
    wishes = wishes_of(parse("subscribe cs.CL", lines).commands, topics)
    assert wishes.topics == ("cs.CL",)
    assert wishes.keywords == ("in context learning",)
    assert wishes.authors == ("Will",)


def test_a_subject_that_only_says_what_a_mail_is_about_replaces_no_list():
    body = ("Hi,", "", "the third paper has none.")
    for subject in ("Keywords", "Keywords search", "Author names"):
        assert asked(*body, subject=subject) == []
    assert asked(*body, subject="keywords: maps") == [("keywords", "maps")]
    assert asked("Thanks,", "Ada", subject="keywords maps") == [("keywords", "maps")]
    assert asked("weekly", subject="keywords maps") == [("keywords", "maps"), ("cadence", "weekly")]


@pytest.mark.parametrize(
    "lines",
    [
        ("keywords dual encoder, protein folding,", "late interaction, fog"),
        ("keywords dual encoder, protein folding,", "late interaction,", "fog"),
        ("keywords: dual encoder, protein folding, dense retrieval, learned", "sparse, fog"),
        ("“keywords: dual encoder, slow glass,", "fog”."),
        ("keywords: dual encoder,", "best first search,", "topic models, fog"),
        ("keywords: 大语言模型，", "强化学习、", "機械翻訳；", "fog"),
    ],
)
def test_a_list_that_a_mail_program_broke_is_whole(lines):
    ((verb, text),) = asked(*lines, "", "Ada")
    assert verb == "keywords"
    assert commands.listed(text) == commands.listed(" ".join(lines)[len("keywords") :].strip("s: "))


@pytest.mark.parametrize(
    "below", [("Ada Lovelace",), ("", "fog, maps"), ("weekly",), ("Thanks,", "Ada")]
)
def test_what_stands_below_a_list_that_has_ended_is_not_of_it(below):
    assert asked("keywords dual encoder, slow glass", *below)[0] == (
        "keywords",
        "dual encoder, slow glass",
    )
    assert asked("keywords dual encoder,", "weekly")[1] == ("cadence", "weekly")


@pytest.mark.parametrize(
    "below",
    [
        ("Best regards,", "Ada"),
        ("Thanks,", "Ada"),
        ("Best,", "Ada"),
        ("Best Ada",),
        ("Thanks Ada",),
    ],
)
@pytest.mark.parametrize("begun", ["keywords: dense retrieval, fog,", "mute dense retrieval, fog,"])
def test_a_goodbye_is_not_of_the_list_above_it_though_that_ends_in_a_comma(begun, below):
    ((_, text),) = asked(begun, *below)
    assert commands.listed(text) == ["dense retrieval", "fog"]


def test_values_are_parted_by_chinese_and_japanese_commas_too():
    assert commands.listed("大语言模型，强化学习、機械翻訳；fog") == [
        "大语言模型",
        "强化学习",
        "機械翻訳",
        "fog",
    ]


def test_a_name_below_a_full_line_of_mutes_is_not_muted():
    full = "mute protein folding, dense retrieval, gradient descent, slow glass, fog"
    assert asked(full, "Ada Lovelace") == [("mute", full.removeprefix("mute "))]


def test_a_list_of_more_lines_than_are_read_is_not_taken_for_half_of_it():
    lines = ("keywords: maps,", *(f"word number {each}," for each in range(190)))
    assert len(asked(*lines)) == 1
    assert asked(*lines, *lines[1:]) == []


def test_a_list_that_was_cut_replaces_none():
    assert asked("keywords maps, fog …") == []
    assert asked("“keywords: maps, fo…”.") == []


def test_several_commands_in_one_mail():
    assert asked("daily at 7:30, limit 5", "zone UTC") == [
        ("cadence", "daily"),
        ("at", "7:30"),
        ("limit", "5"),
        ("zone", "UTC"),
    ]


def test_greeting_and_goodbye_are_passed_over():
    lines = ("Hi there,", "", "weekly please", "", "Best regards,", "stop")
    assert asked(*lines) == [("cadence", "weekly")]


def test_after_a_command_chat_ends_what_is_asked():
    assert asked("more 2", "", "Ada Example", "stop") == [("more", 2)]


def test_our_own_words_quoted_without_any_mark_end_nothing():
    footer = ("Thank you!", "", "Digest", "", "Unsubscribe:", "https://papers.example/u/x")
    assert asked(*footer) == []
    below = [f"A paper about number {each}" for each in range(6)]
    assert asked("how nice", *below, "unsubscribe") == []


def test_twenty_commands_are_enough():
    assert len(parse("", [f"mute w{each}" for each in range(40)]).commands) == 20
    assert len(parse("", ["limit 3, limit 4, " * 20 + "x"] * 20, mailbox="subscribe").commands) == 1


@pytest.mark.parametrize(
    ("subject", "bare"),
    [
        ("Re: help", ("help", True)),
        ("AW: WG: help", ("help", True)),
        ("Fwd: [lab] help", ("help", True)),
        ("Re[2]: help", ("help", True)),
        ("help", ("help", False)),
        ("Rethinking help", ("Rethinking help", False)),
    ],
)
def test_subjects_lose_what_answering_put_before_them(subject, bare):
    assert bare_subject(subject) == bare


def test_the_subject_of_an_answer_is_ours_and_asks_for_nothing():
    assert asked(subject="Re: Keywords matter: a study") == []
    assert asked(subject="Re: Yes") == []
    assert asked("thanks a lot for this", subject="Re: stop") == []
    assert asked(subject="Re: unsubscribe") == [("unsubscribe", "")]


def test_the_address_says_what_is_wanted_where_no_command_does():
    leaving = parse("Hello", ["whatever I write"], mailbox="unsubscribe")
    assert [each.verb for each in leaving.commands] == [Verb.UNSUBSCRIBE]
    joining = parse("cs.IR", ["graph neural networks"], mailbox="subscribe")
    assert joining.commands == (Command(verb=Verb.SUBSCRIBE, text="cs.IR\ngraph neural networks"),)
    assert parse("help", [], mailbox="subscribe").commands == (Command(verb=Verb.HELP),)


@pytest.mark.parametrize(
    ("text", "found", "keywords", "authors"),
    [
        ("cs.IR", ["cs.IR"], [], []),
        ("me to cs.ir and CS.CL", ["cs.IR", "cs.CL"], [], []),
        ("to papers about dense retrieval", [], ["dense retrieval"], []),
        ("Retrieval and search", ["retrieval"], [], []),
        ("machine learning, protein folding", ["cs.LG"], ["protein folding"], []),
        ("cs.CL graph neural networks", ["cs.CL"], ["graph neural networks"], []),
        ("author Jane Doe, cs.IR", ["cs.IR"], [], ["Jane Doe"]),
        ("to the daily digest", [], [], []),
        ("I’d like to get papers on dense retrieval, please.", [], ["dense retrieval"], []),
        ("me to machine learning papers", ["cs.LG"], [], []),
        ("topic modeling, the topic models", [], ["topic modeling", "topic models"], []),
        ("topic machine learning, topic: maps", ["cs.LG"], ["maps"], []),
        ("news recommendation, news about maps", [], ["news recommendation", "maps"], []),
        ("to the news", [], [], []),
        ("white papers, maps please", [], ["white papers", "maps"], []),
        ("Subscription", [], [], []),
        ("in-context learning, A* search", [], ["in-context learning", "A* search"], []),
        ("- cs.IR\n* dual encoder\n* quantiz*", ["cs.IR"], ["dual encoder", "quantiz*"], []),
        ("fog\nAda, ada@example.org\nhttps://ada.example, www.ada.example", [], ["fog", "Ada"], []),
        ("precision@k, NDCG@10, mAP@0.5", [], ["precision@k", "NDCG@10", "mAP@0.5"], []),
        ("www. crawling", [], ["www. crawling"], []),
        ("cs.NOPE", [], ["cs.NOPE"], []),
    ],
)
def test_plain_words_become_topics_keywords_and_authors(topics, text, found, keywords, authors):
    wishes = wishes_of([Command(verb=Verb.SUBSCRIBE, text=text)], topics)
    assert (list(wishes.topics), list(wishes.keywords), list(wishes.authors)) == (
        found,
        keywords,
        authors,
    )


@pytest.mark.parametrize(
    ("line", "mailbox"),
    [
        ("subscribe cs.IR, weekly on fridays at 8, limit 5", ""),
        ("please sign me up for cs.IR, weekly on fridays at 8, limit 5", "subscribe"),
        ("cs.IR, weekly on fridays at 8, limit 5", "subscribe"),
    ],
)
def test_the_schedule_may_stand_beside_what_one_subscribes_to(topics, line, mailbox):
    wishes = wishes_of(parse("", [line], mailbox=mailbox).commands, topics, signing_up=True)
    assert (wishes.topics, wishes.keywords) == (("cs.IR",), ())
    assert (wishes.cadence, wishes.at, wishes.limit) == ("friday", "8", 5)


@pytest.mark.parametrize(
    "phrase",
    ["SAT", "suns", "“SAT”.", "SAT, please", "zone plates", "my tz cells", "weekly SAT", "zone 5"],
)
@pytest.mark.parametrize("before", ["subscribe cs.LO, ", "subscribe cs.LO\n"])
def test_what_may_be_a_keyword_beside_what_one_subscribes_to_is_no_schedule(topics, phrase, before):
    commands = [Command(verb=Verb.SUBSCRIBE, text=f"{before}{phrase}")]
    wishes = wishes_of(commands, topics, signing_up=True)
    assert (wishes.topics, len(wishes.keywords)) == (("cs.LO",), 1)
    assert (wishes.cadence, wishes.tz) == (None, None)


def test_what_is_muted_as_a_topic_that_there_is_not_is_muted_as_words(topics):
    lines = ["cs.IR", "limit 3", "mute topics Retrieval and search, dinosaurs"]
    wishes = wishes_of(parse("subscribe", lines).commands, topics, signing_up=True)
    assert (wishes.mute_topics, wishes.mutes, wishes.limit) == (("retrieval",), ("dinosaurs",), 3)


def test_of_who_is_subscribed_all_that_is_added_is_a_value(topics):
    commands = parse("", ["follow maps, weekly, at 8"]).commands
    assert [each.verb for each in commands] == [Verb.SUBSCRIBE]
    wishes = wishes_of(commands, topics)
    assert (wishes.keywords, wishes.cadence) == (("maps", "weekly", "at 8"), None)


def test_one_mail_can_wish_for_everything(topics):
    lines = ["topics: cs.IR", "keywords: maps, LLM", "weekly", "at 8", "limit 5", "mute penguins"]
    lines += ["mute author Jane Doe", "mute topic cs.CV"]
    wishes = wishes_of(parse("subscribe", lines).commands, topics, "cs.CL+cs.LG")
    assert wishes.topics == ("cs.CL", "cs.LG", "cs.IR")
    assert wishes.keywords == ("maps", "LLM")
    assert (wishes.cadence, wishes.at, wishes.limit) == ("weekly", "8", 5)
    assert wishes.mutes == ("penguins",)
    assert (wishes.mute_authors, wishes.mute_topics) == (("Jane Doe",), ("cs.CV",))


@given(st.text(max_size=200), st.lists(st.text(max_size=120), max_size=10))
def test_any_mail_is_parsed(subject, lines):
    parse(subject, lines, mailbox="subscribe")


WORDS = st.lists(
    st.sampled_from(
        ["please", "unsubscribe", "not", "stop", "me", "don't", "list", "why", "forget", "papers"]
    ),
    max_size=6,
)


@given(WORDS)
def test_a_line_with_any_word_of_its_own_never_ends_a_subscription(words):
    """Beside politeness and words for mail, one other word is enough to be chat."""
    if {"not", "don't", "why", "forget", "papers"} & set(words):
        assert ("unsubscribe", "") not in asked(" ".join(words))


@pytest.mark.parametrize("begun", ["more ", ""])
@pytest.mark.parametrize("word", ["1 ", "at ", "please ", "+1 "])
def test_a_long_line_is_no_command_and_takes_no_time(begun, word):
    before = time.perf_counter()
    assert commands.read_line(begun + word * 250 + "x") == ()
    assert time.perf_counter() - before < 1


def test_many_phrases_to_subscribe_to_take_no_time(topics):
    lines = ["subscribe " + "a," * 3_900, "subscribe " + "more 1 more 1 zone/ b," * 300] * 100
    before = time.process_time()
    wishes_of(parse("", lines).commands, topics, signing_up=True)
    assert time.process_time() - before < 2


@pytest.mark.parametrize("begun", ["subscribe ", "topics: ", ""])
@pytest.mark.parametrize("word", ["a.b, ", "c-d "])
def test_however_much_is_written_few_words_are_looked_up_as_topics(
    monkeypatch, topics, begun, word
):
    looked_up = []
    monkeypatch.setattr(commands, "topic_of", lambda words, _: looked_up.append(words) or "")

    lines = [f"{begun}{each} {word * 1_500}" for each in range(24)]
    wishes_of(parse("subscribe", lines).commands, topics)

    assert len(looked_up) < 8_000


def test_a_list_has_no_more_values_than_a_profile_can_hold():
    assert len(commands.listed("fog," * 50_000)) == 2_000
