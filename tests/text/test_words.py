import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.text import (
    contains_phrase,
    contains_prefix,
    fold,
    sentences,
    spaced,
    truncate,
    words,
    wrapped,
)


def test_folding_forgets_case_accents_and_punctuation():
    assert (
        fold("Self-Supervised  Učení, ØRSTED & Straße!") == "self supervised uceni orsted strasse"
    )
    assert fold("snake_case: O(n)") == "snake case o n"


def test_folding_reads_scripts_as_their_letters():
    assert fold("xᵢⱼ ∈ ℝⁿ") == "xij rn"


def test_words_are_the_folded_tokens():
    assert words("Deep, deep Learning") == ["deep", "deep", "learning"]


@given(st.text(max_size=60))
def test_folding_is_idempotent(s):
    assert fold(fold(s)) == fold(s)


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_text_is_folded_as_its_parts_are(one, other):
    assert fold(f"{one} \n {other}") == f"{fold(one)} {fold(other)}".strip()


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("A Müller–Łoś β-model, “naïve”", "a muller los β model naive"),
        ("e\u0301tude ﬁne x²\u00a0y", "etude fine x2 y"),
        ("обучение, на ГРАФАХ—и BERT", "обучение на графах и bert"),
        ("γλώσσας", "γλωσσασ"),
    ],
)
def test_letters_of_ascii_and_others_fold_side_by_side(text, folded):
    assert fold(text) == folded


def test_a_phrase_is_found_as_whole_words_only():
    text = fold("Graph neural networks for molecules")

    assert contains_phrase(text, fold("Neural Networks"))
    assert contains_phrase(text, "graph")
    assert not contains_phrase(text, "neural net")
    assert not contains_phrase(text, "")


@pytest.mark.parametrize(
    ("text", "phrase", "found"),
    [
        ("大规模语言模型综述", "综述", True),
        ("大规模语言 模型综述", "语言模型", True),
        ("大规模语言模型综述", "综模", False),
        ("딥러닝을 이용한 검색", "딥러닝", True),
        ("딥러닝을 이용한 정보검색", "검색", True),
        ("성능 평가", "서", False),
        ("がん検索のモデル", "検索", True),
        ("BERTモデルの評価", "bert", True),
        ("αBERT", "bert", False),
    ],
)
def test_a_phrase_needs_no_spaces_around_it_in_scripts_that_have_none(text, phrase, found):
    assert contains_phrase(fold(text), fold(phrase)) is found


@pytest.mark.parametrize(
    ("text", "prefix", "found"),
    [
        ("Graph neural networks", "graph", True),
        ("Graph neural networks", "neural net", True),
        ("Graph neural networks", "raph", False),
        ("Étude de graphes", "étu", True),
        ("深層学習の研究", "深層学", True),
        ("深層学習の研究", "学習", False),
        ("基于BERT的", "bert", False),
        ("하습니다 연구", "하습", True),
        ("하습니다 연구", "하스", False),
        ("하습니다 하스피", "하스", True),
    ],
)
def test_a_prefix_is_the_beginning_of_a_word_and_of_whole_syllables(text, prefix, found):
    assert contains_prefix(fold(text), fold(prefix)) is found


@given(st.text(max_size=60))
def test_spacing_out_letters_is_idempotent_and_leaves_other_scripts_alone(s):
    once = spaced(fold(s))

    assert spaced(once) == once
    assert once.replace(" ", "") == fold(s).replace(" ", "")
    assert once == fold(s) or not once.isascii()


def test_sentences_end_where_people_end_them():
    text = "We follow Smith et al. (2020), e.g. Fig. 2. It gains 3.5 points. Does it? Yes!"

    assert sentences(text) == [
        "We follow Smith et al. (2020), e.g. Fig. 2.",
        "It gains 3.5 points.",
        "Does it?",
        "Yes!",
    ]


def test_truncation_prefers_a_sentence_then_a_word():
    assert truncate("One short sentence. Another one.", 26) == "One short sentence. …"
    assert truncate("a few words without any end", 12) == "a few words…"
    assert truncate("short", 5) == "short"


def test_an_endless_word_is_cut_hard():
    assert truncate("x" * 50, 10) == "x" * 9 + "…"


@given(st.text(max_size=200), st.integers(-2, 120))
def test_truncation_never_exceeds_its_limit(s, limit):
    cut = truncate(s, limit)

    assert len(cut) <= max(limit, 0)
    assert cut == s or cut.endswith("…") or limit <= 0


@pytest.mark.parametrize("limit", [20, 60, 100])
def test_truncation_keeps_a_beginning(limit):
    text = "Some words here. Some more words, and then others; finally the last ones come."

    assert text.startswith(truncate(text, limit).rstrip(" …"))


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("C++ and C# in F#", "cplusplus and csharp in fsharp"),
        ("a + b", "a b"),
        ("#1 in C", "1 in c"),
    ],
)
def test_languages_named_by_symbols_are_not_lone_letters(text, folded):
    assert fold(text) == folded


@given(st.lists(st.text("abc-/", min_size=1, max_size=30), min_size=1), st.integers(1, 40))
def test_wrapping_is_what_textwrap_does_with_words_that_stay_whole(parts, room):
    text = " ".join(parts)
    stays = {"break_long_words": False, "break_on_hyphens": False}
    assert wrapped(text, room) == textwrap.wrap(text, room, **stays)


@given(st.lists(st.text("abc", min_size=1, max_size=9), min_size=1), st.integers(9, 40))
def test_the_first_line_has_a_room_of_its_own(parts, room):
    first, *others = wrapped(" ".join(parts), room, first=room - 5)
    assert len(first) <= room - 5 or " " not in first
    assert all(len(each) <= room for each in others)
    assert " ".join((first, *others)) == " ".join(parts)


@pytest.mark.parametrize(
    ("text", "room", "lines"),
    [
        ("我们提出一种新的方法。", 10, ["我们提出一", "种新的方", "法。"]),
        ("用 BERT 检索“长文本”。", 12, ["用 BERT 检索", "“长文本”。"]),
        ("データベース https://example.org/a-long-address 検索", 12, [
            "データベース", "https://example.org/a-long-address", "検索",
        ]),
        ("図 1 は", 72, ["図 1 は"]),
    ],
)  # fmt: skip
def test_chinese_and_japanese_break_between_characters_that_take_the_room_of_two(text, room, lines):
    assert wrapped(text, room) == lines


@given(st.text("我们用检索。，“”（ )ab", max_size=60), st.integers(8, 30))
def test_wrapping_characters_loses_nothing_but_spaces(text, room):
    text = " ".join(text.split())

    assert "".join(wrapped(text, room)).replace(" ", "") == text.replace(" ", "")
