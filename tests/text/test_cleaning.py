import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.text import clean

XML_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
ANYTHING = st.text(st.characters(), max_size=80)


def test_whitespace_becomes_single_spaces():
    assert clean("  one\n two\t\u00a0three\u2028four ") == "one two three four"


def test_characters_are_composed():
    assert clean("e\u0301") == "é"


@pytest.mark.parametrize("char", "\x00\x0b\x1b\x7f\x9d\ufffe\ud800\u202e\u2066\u200b\ufeff")
def test_what_is_illegal_in_xml_or_can_spoof_is_removed(char):
    assert clean(f"pap{char}er").replace(" ", "") == "paper"


def test_c1_controls_are_what_windows_has_in_their_place():
    assert clean("It\x92s \x93new\x94, 1990\x962000 \x80\x85\x9f") == "It’s “new”, 1990–2000 €…Ÿ"


def test_joiners_stay_where_scripts_and_emoji_need_them():
    persian = "می\u200cخواهم"
    family = "👩\u200d🔬"

    assert clean(persian) == persian
    assert clean(family) == family


def test_joiners_between_latin_letters_are_removed():
    assert clean("pay\u200dpal \u200cx") == "paypal x"


@given(ANYTHING)
def test_cleaning_gives_legal_composed_text_and_is_idempotent(s):
    once = clean(s)

    assert not XML_ILLEGAL.search(once)
    assert unicodedata.is_normalized("NFC", once)
    assert once == once.strip()
    assert clean(once) == once
