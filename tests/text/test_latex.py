import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digest.text import latex_to_text

XML_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
MACROS = r"\alpha \frac \sqrt[ \left( \text{ \cite{ \url{ \begin{align} \end{align} \verb| \" $$ \( \) \emph{ é"
TEX = st.lists(st.sampled_from([*"\\${}~`'^_-% ax1", *MACROS.split()]), max_size=40).map("".join)


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        (r"Puyol-Ant\'on", "Puyol-Antón"),
        (r"{\"o} \"{U}ber G\"odel", "ö Über Gödel"),
        (r"Mare\v{s}, \v Cech, Ho\v rava", "Mareš, Čech, Hořava"),
        (r"Cura\c{c}ao, Lip\'{\i}n, na\"{\i}ve", "Curaçao, Lipín, naïve"),
        (r"\L{}od\'z, Bj\o rn, Stra\ss e, \AA ngstr\"om", "Łodź, Bjørn, Straße, Ångström"),
        (r"Erd\H{o}s and \.Istanbul", "Erdős and İstanbul"),
        (r"Poincar\' e, H{\" o}lder", "Poincaré, Hölder"),
        (r"a 360{\deg} view at 4.7 {\deg}C for {\pounds}5", "a 360° view at 4.7 °C for £5"),
    ],
)
def test_accents_become_letters(tex, text):
    assert latex_to_text(tex) == text


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        ("$x<y$", "x<y"),
        (r"$\alpha \in \mathbb{R}^{n}$", "α ∈ ℝⁿ"),
        (r"$x_{ij}^2$, CO$_2$, $^{13}$C, $10^{-3}$", "xᵢⱼ², CO₂, ¹³C, 10⁻³"),
        (r"$\mathcal{L}_{\text{train}}$, $\pi_{0.5}$", "L_train, π_0.5"),
        (r"$O(n^{1+\epsilon})$", "O(n^(1+ϵ))"),
        (r"$90^\circ$, $A^\top$, $f'(x)$", "90°, Aᵀ, f′(x)"),
        (r"$\frac{a+b}{c}$, $\frac12$, $\sqrt{x}$, $\sqrt[3]{x+y}$", "(a+b)/c, 1/2, √x, ³√(x+y)"),
        (r"$O(\log\log n)$ and $2\log n$", "O(log log n) and 2 log n"),
        (r"$n^{-1}\log n$, $(p-2)\ln(3)$", "n⁻¹ log n, (p-2) ln(3)"),
        (r"\(x\) and \[y\] and $$z$$", "x and y and z"),
        (r"$\hat{x} \le \left( y \right)$", "x̂ ≤ ( y )"),
        (r"$\sim$5\,ms", "~5 ms"),
        (
            r"\begin{equation*} x_i^2 \end{equation*} for $p \equiv 1 \pmod{4}$",
            "xᵢ² for p ≡ 1 (mod 4)",
        ),
        (r"$\left. \ensuremath{x_1} \right.$, \section{Why} {\LARGE big}", "x₁ , Why big"),
        (r"$\boldmath a \overset{b}{c} \stackrel{1}{=} \underset{x}{\min}$", "a cᵇ =¹ minₓ"),
        (
            r"$M \not\models \phi$, $X \not\!\perp\!\!\!\perp Y$, $A \not\vDash q$",
            "M not models ϕ, X not ⊥⊥ Y, A not vDash q",
        ),
        (r"$\deg f \not\subseteq {\frak p}$, $a \not= b$", "deg f ⊈ p, a ≠ b"),
        (r"Newton$\unicode{x2013}$Schulz$\unicode{8212}$", "Newton–Schulz—"),
        (r"$\unicode{x110000}$ $\unicode{xy}$ $\unicode$", ""),
        ("a $graph algebra$: defined", "a graph algebra: defined"),
    ],
)
def test_math_becomes_readable(tex, text):
    assert latex_to_text(tex) == text


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        (r"\emph{very} \textbf{bold} {\it old} \texttt{a\_b}", "very bold old a_b"),
        (
            "Fig.~1, ``quoted'' and `single', 1--2 --- done",
            "Fig. 1, “quoted” and ‘single’, 1–2 — done",
        ),
        (r"50\% of R\&D \#1", "50% of R&D #1"),
        (r"He said \"proof\" and \"model\" now", 'He said "proof" and "model" now'),
        (r"\"Proof\" and (\"model\" now)", '"Proof" and ("model" now)'),
        (r"in a H\" older space, by Ja\' cimovic", "in a Hölder space, by Jaćimovic"),
        (r"as shown \cite{a,b}, and~\citep[p.~2]{c}.", "as shown, and."),
        (r"see \url{https://e.org/a_b}", "see https://e.org/a_b"),
        (r"\href{https://e.org}{our page}", "our page (https://e.org)"),
        (r"\hyperlink{https://e.org}{https://e.org}", "https://e.org"),
        (r"P\textsuperscript{2}, 1\textsuperscript{st}", "P², 1st"),
        (r"\ul{un}der\underline{lined}", "underlined"),
        (r"\textcolor{red}{hot} \begin{itemize}\item one\end{itemize}", "hot • one"),
    ],
)
def test_styles_signs_and_links_become_plain_text(tex, text):
    assert latex_to_text(tex) == text


@pytest.mark.parametrize(
    "text",
    [
        "costs $5 and $10",
        "in US$ and A$ alike",
        "between $500-$780 in total",
        "a $0.01 call, or $3.5M a year",
        "50% of snake_case names and O(n^2)",
        "about ~5 or (~10%)",
        "run with --verbose",
        "it's Rock 'n' Roll",
        "https://e.org/~user/x",
    ],
)
def test_what_is_not_tex_stays(text):
    assert latex_to_text(text) == text


def test_a_price_does_not_hide_the_math_after_it():
    assert latex_to_text(r"costs $5 for $\alpha$ steps") == "costs $5 for α steps"


def test_unknown_macros_lose_no_words():
    assert (
        latex_to_text(r"\Ours{} and \ours beat \method{the rest}") == "Ours and ours beat the rest"
    )
    assert latex_to_text(r"C:\data\set") == "C:data set"


def test_damaged_tex_loses_no_words():
    assert latex_to_text(r"{open \textbf{and $x never closed") == "open and $x never closed"


@given(TEX)
@example("\\'" * 300)
@example("{" * 3000 + "word")
@example("\\frac" * 300)
def test_no_tex_whatever_raises_or_leaves_illegal_characters(s):
    assert not XML_ILLEGAL.search(latex_to_text(s))


@given(st.text(st.characters(), max_size=60))
def test_no_text_whatever_raises(s):
    assert not XML_ILLEGAL.search(latex_to_text("$" + s + "\\"))


@given(st.lists(st.sampled_from(["alpha", "beta", "graph", "of"]), min_size=1, max_size=12))
def test_no_word_is_lost_between_styles(names):
    tex = " ".join(
        rf"\emph{{{name}}}" if i % 2 else rf"\unknown{{{name}}}" for i, name in enumerate(names)
    )

    assert latex_to_text(tex) == " ".join(names)


@pytest.mark.parametrize(
    "piece", ["$", "\\(", "\\url{", "\\begin{a}", "{", "$x^", "\\verb|", "\\'", "$5 "]
)
def test_time_is_linear_in_hostile_input(piece):
    started = time.process_time()
    latex_to_text(piece * (50_000 // len(piece)))

    assert time.process_time() - started < 5


def test_recorded_abstracts_keep_no_tex(recordings):
    listing = (recordings / "arxiv_rss" / "2026-06-15-cs-lg.xml").read_text()
    abstracts = re.findall(r"Abstract: (.*?)</description>", listing, re.DOTALL)

    left = [
        text
        for text in map(latex_to_text, abstracts)
        if "\\" in text or re.search(r"\$(?!\d|\.\d)", text)
    ]

    assert len(abstracts) == 286
    assert left == []
