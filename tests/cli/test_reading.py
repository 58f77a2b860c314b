"""`digest rank` and `preview`: one paper's whole sum, and editions that were composed already."""

from __future__ import annotations

import re
import stat
import sys

import pytest

from digest import subscriptions
from digest.app import App
from digest.config import load
from digest.model import FeedbackKind, Via, chance_of

DAY = ("--date", "2026-06-10")

RANKER = """
from digest.model import Explanation, Pick, Ranking, Reason, ReasonKind

TERMS = (
    Reason(kind=ReasonKind.LIKE, what="arxiv:2606.00002", amount=4.25, words=("maps", "noon")),
    Reason(kind=ReasonKind.TOPIC, what="cs.LG", amount=1.0),
    Reason(kind=ReasonKind.DISLIKE, what="arxiv:2606.00003", amount=-0.5),
)
WORDS = ((("maps", 3.0), ("noon", 1.0), ("…", 0.25)),)


def disliked(profile):
    return {each.value for each in profile.interests if each.kind == "dislike"}


class Ranker:
    def __init__(self, *, topics, trending, cap):
        pass

    def rank(self, block, candidates, *, without, now):
        pick = Pick(paper_id="arxiv:2606.00001", score=4.75, reasons=TERMS)
        return [
            Ranking(
                subscriber_id=each.subscriber_id,
                picks=() if pick.paper_id in disliked(each) else (pick,),
                matched=1,
            )
            for each in block
        ]

    def explain(self, profile, candidates, paper_id, *, without, now):
        never = {"arxiv:2606.00003"} | disliked(profile)
        barred = "you disliked it" if paper_id in never else ""
        return Explanation(
            paper_id=paper_id, score=4.75, terms=TERMS, words=WORDS, barred=barred
        )
"""


@pytest.fixture
def ready(digest, listed, tmp_path, monkeypatch):
    """A database with one listing, one subscriber, and a ranker whose sums are known."""
    (tmp_path / "sums.py").write_text(RANKER, encoding="utf-8")
    (tmp_path / "digest.toml").write_text('[ranking]\nuse = "sums:Ranker"\n', encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert digest("init").code == 0
    assert digest("fetch", "arxiv", "--from", listed).code == 0
    assert digest("subscribe", "a@b.example", "--topic", "cs.LG", "--confirmed").code == 0
    return digest


@pytest.mark.parametrize("more", [(), ("--why", "2606.00001")])
def test_an_error_of_an_own_ranker_is_not_called_ours(ready, tmp_path, monkeypatch, more):
    text = RANKER.replace("never = {", "_ = {}['bread']; never = {")
    text = text if more else RANKER.replace("pick = Pick(", "_ = {}['bread']; pick = Pick(")
    (tmp_path / "wrong_sums.py").write_text(text, encoding="utf-8")
    monkeypatch.delitem(sys.modules, "wrong_sums", raising=False)
    monkeypatch.setenv("DIGEST_RANKING_USE", "wrong_sums:Ranker")

    ran = ready("rank", "a@b.example", *DAY, *more)

    assert ran.code == 2
    assert "The ranker wrong_sums:Ranker failed (KeyError: 'bread', in " in ran.err
    assert "wrong_sums.py, line " in ran.err


def test_the_sum_is_a_table_of_terms_and_of_the_words_that_made_them(ready):
    ran = ready("rank", "a@b.example", *DAY, "--why", "2606.00001")

    assert ran.out.splitlines() == [
        "Edition of 2026-06-10: place 1 of 1, shown in full.",
        "A dual encoder for old maps  [arxiv:2606.00001]",
        "",
        "   +4.250000  like      it is similar to “Counting penguins from above”, which you liked",
        "                         +3.000000  maps",
        "                         +1.000000  noon",
        "                         +0.250000  …",
        "   +1.000000  topic     you follow Machine Learning (cs.LG)",
        "   -0.500000  dislike   it is similar to “Gradients that wander”, which you disliked",
        "------------",
        f"   +4.750000  score: a chance of {chance_of(4.75):.1%} that they want it",
    ]


def test_the_sum_as_json_adds_up(ready):
    why = ready("rank", "a@b.example", *DAY, "--why", "2606.00001", "--json").json

    assert (why["id"], why["place"], why["of"], why["shown"]) == ("arxiv:2606.00001", 1, 1, True)
    assert sum(each["amount"] for each in why["terms"]) == why["score"]
    like = why["terms"][0]
    assert like["words"][0] == {"word": "maps", "amount": 3.0}
    assert sum(each["amount"] for each in like["words"]) == like["amount"]


def test_a_paper_that_cannot_be_picked_says_why_and_has_its_sum(ready):
    ran = ready("rank", "a@b.example", *DAY, "--why", "2606.00003")

    assert ran.out.startswith("Edition of 2026-06-10: not in it, since you disliked it.")
    assert "+4.750000  score" in ran.out


def test_a_paper_below_the_floor_says_so(ready):
    ready("subscribe", "a@b.example", "--floor", "0.9")

    ran = ready("rank", "a@b.example", *DAY, "--why", "2606.00001")

    assert "only a title: its chance is below their floor of 90%" in ran.out
    assert "10 papers, chance of 90% or more" in ready("show", "a@b.example").out


def test_rank_as_json_has_chances_and_the_words_of_terms(ready):
    (pick,) = ready("rank", "a@b.example", *DAY, "--json").json

    assert pick["reasons"][0] == (
        "it is similar to “Counting penguins from above”, which you liked (maps, noon)"
    )
    assert (pick["score"], pick["terms"][0]["words"]) == (4.75, ["maps", "noon"])
    assert 0 < pick["chance"] < 1


def test_what_cannot_be_explained_is_said_without_a_traceback(ready):
    assert "neither an arXiv id" in ready("rank", "a@b.example", *DAY, "--why", "that one").err
    assert "no such paper" in ready("rank", "a@b.example", *DAY, "--why", "2606.99999").err
    assert "A floor is" in ready("subscribe", "a@b.example", "--floor", "high").err


# --- an edition that was composed already ----------------------------------------------------------


@pytest.fixture
def dislike(tmp_path):
    """A reader presses "less" on the first paper."""

    def press():
        with App(load(environment={}, overrides={"db": str(tmp_path / "digest.db")})) as app:
            person = subscriptions.find(app.store, "a@b.example")
            paper = app.store.papers.get(["arxiv:2606.00001"])["arxiv:2606.00001"]
            subscriptions.give(
                app.store, person, FeedbackKind.LESS, paper=paper, via=Via.WEB, now=app.clock()
            )

    return press


def test_why_says_where_a_paper_stood_in_what_was_sent_before_what_it_would_be_now(ready, dislike):
    assert ready("deliver", *DAY).code == 0
    dislike()

    first = ready("rank", "a@b.example", *DAY, "--why", "2606.00001")
    other = ready("rank", "a@b.example", *DAY, "--why", "2606.00003")
    stood = ready("rank", "a@b.example", *DAY, "--why", "2606.00001", "--json").json["stood"]

    assert first.out.splitlines()[0] == (
        "Edition of 2026-06-10: number 1 in what was sent; ranked again as of now: "
        "not in it, since you disliked it."
    )
    assert other.out.startswith("Edition of 2026-06-10: not in what was sent; ranked again")
    assert stood == {"place": 1, "shown": True, "state": "sent"}


def test_why_of_an_edition_that_nobody_was_sent_says_only_what_it_would_be(ready):
    ran = ready("rank", "a@b.example", *DAY, "--why", "2606.00001")

    assert "sent" not in ran.out
    assert ready("rank", "a@b.example", *DAY, "--why", "2606.00001", "--json").json["stood"] is None


def test_a_preview_without_room_names_the_file_and_leaves_the_last_one(
    digest, many, tmp_path, small
):
    digest("subscribe", "a@b.example", "--topic", "cs.LG", "--limit", "40", "--confirmed")
    file = tmp_path / "page.html"
    file.write_text("the last one")
    there = sorted(tmp_path.iterdir())

    with small():
        ran = digest("preview", "a@b.example", *DAY, "--out", "page.html")

    assert (ran.code, ran.err) == (1, "digest: File too large: page.html.\n")
    assert file.read_text() == "the last one"
    assert sorted(tmp_path.iterdir()) == there
    assert digest("preview", "a@b.example", *DAY, "--out", "page.html").code == 0
    assert "On maps" in file.read_text()


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o400])
def test_a_preview_that_takes_the_place_of_a_file_is_for_the_same_people(
    digest, many, tmp_path, mode
):
    digest("subscribe", "a@b.example", "--topic", "cs.LG", "--confirmed")
    file = tmp_path / "page.html"
    file.touch()
    file.chmod(mode)

    assert digest("preview", "a@b.example", *DAY, "--out", "page.html").code == 0

    assert stat.S_IMODE(file.stat().st_mode) == mode
    assert "On maps" in file.read_text()


def test_a_preview_that_is_new_is_for_whom_files_are_by_default(digest, many, tmp_path):
    digest("subscribe", "a@b.example", "--topic", "cs.LG", "--confirmed")
    (tmp_path / "usual").touch()

    assert digest("preview", "a@b.example", *DAY, "--out", "page.html").code == 0

    assert (tmp_path / "page.html").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_two_previews_into_one_file_do_not_write_into_each_other(digest, many, tmp_path):
    digest("subscribe", "a@b.example", "--topic", "cs.LG", "--confirmed")
    (tmp_path / ".page.html.part").write_text("half of another's")

    assert digest("preview", "a@b.example", *DAY, "--out", "page.html").code == 0

    assert (tmp_path / ".page.html.part").read_text() == "half of another's"


def test_feeds_without_room_name_the_file(digest, many, tmp_path, small):
    with small():
        ran = digest("publish", "out")

    assert ran.code == 1
    assert re.fullmatch(r"digest: File too large: out/feeds/[\w.-]+\.\n", ran.err), ran.err
    assert not list(tmp_path.glob("out/**/.*.part"))


def test_a_preview_of_a_past_edition_is_the_mail_that_was_sent(ready, dislike, mails):
    ready("deliver", *DAY)
    dislike()

    shown = ready("preview", "a@b.example", *DAY).out

    (mail,) = mails()
    assert "A dual encoder for old maps" in shown
    sent = mail.get_body(("plain",)).get_content()
    assert shown.split() == sent.split()


def test_rank_says_that_it_ranks_a_composed_edition_again(ready, dislike):
    assert "Ranked anew" not in ready("rank", "a@b.example", *DAY).out
    ready("deliver", *DAY)
    dislike()

    told = ready("rank", "a@b.example", *DAY).out

    assert "Ranked anew, as of now" in told.splitlines()[1]
    assert "`digest preview a@b.example --date 2026-06-10`" in told
    assert "old maps" not in told
