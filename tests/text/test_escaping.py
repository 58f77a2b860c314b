"""Text on its way into LaTeX."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.text import clean, latex_escape, latex_to_text


@pytest.mark.parametrize(
    ("plain", "escaped"),
    [
        ("50% of A_B & $5 #1", r"50\% of A\_B \& \$5 \#1"),
        ("{x}", r"\textbraceleft{}x\textbraceright{}"),
        ("α ≤ β", r"\ensuremath{\alpha} \ensuremath{\leq} \ensuremath{\beta}"),
        ("Łódź, Müller, 深度", "Łódź, Müller, 深度"),
        ("ℝ", r"\ensuremath{\mathbb{R}}"),
    ],
)
def test_what_latex_reads_as_commands_is_escaped_and_letters_stay(plain, escaped):
    assert latex_escape(plain) == escaped


@given(st.text())
def test_braces_always_balance_and_nothing_raises(text):
    escaped = latex_escape(text)

    assert escaped.count("{") == escaped.count("}")


@given(st.text(alphabet="abcdefgh %&#$_ éüñ", max_size=40))
def test_plain_text_comes_back_as_it_was(text):
    assert latex_to_text(latex_escape(clean(text))) == clean(text)
