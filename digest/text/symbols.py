"""Tables of LaTeX macros: symbols, accents, styles, and macros without text.

Most symbols (some 800) come from pylatexenc; here are those that it lacks or that read badly in
plain text.
"""

from __future__ import annotations

from functools import cache


def _names(s: str) -> frozenset[str]:
    return frozenset(s.split())


ACCENTS = {
    "'": "\u0301", "`": "\u0300", "^": "\u0302", '"': "\u0308", "~": "\u0303", "=": "\u0304",
    ".": "\u0307", "c": "\u0327", "v": "\u030c", "u": "\u0306", "H": "\u030b", "k": "\u0328",
    "r": "\u030a", "d": "\u0323", "b": "\u0331", "t": "\u0361",
}  # fmt: skip
MATH_ACCENTS = {
    "hat": "\u0302", "widehat": "\u0302", "tilde": "\u0303", "widetilde": "\u0303",
    "bar": "\u0304", "overline": "\u0304", "vec": "\u20d7", "dot": "\u0307", "ddot": "\u0308",
    "acute": "\u0301", "grave": "\u0300", "check": "\u030c", "breve": "\u0306",
    "mathring": "\u030a", "not": "\u0338",
}  # fmt: skip
# Letters and signs in words: LaTeX ignores the space after them, as in `Bj\o rn`. arXiv writes
# `{\deg}` for a degree sign; in math that is the degree of a polynomial.
LETTERS = {
    "L": "Ł", "l": "ł", "O": "Ø", "o": "ø", "AE": "Æ", "ae": "æ", "OE": "Œ", "oe": "œ",
    "AA": "Å", "aa": "å", "ss": "ß", "i": "ı", "j": "ȷ", "DH": "Ð", "dh": "ð", "TH": "Þ",
    "th": "þ", "DJ": "Đ", "dj": "đ", "NG": "Ŋ", "ng": "ŋ", "deg": "°", "pounds": "£",
}  # fmt: skip
CHARACTERS = {
    "%": "%", "&": "&", "#": "#", "_": "_", "{": "{", "}": "}", "$": "$", " ": " ", "\n": " ",
    "\t": " ", "\\": " ", ",": " ", ";": " ", ":": " ", ">": " ", "-": "", "/": "", "@": "",
    "!": "", "|": "‖", "*": "",
}  # fmt: skip
SUPERSCRIPTS = dict(
    zip(
        "0123456789+-=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVW",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂ",
        strict=True,
    )
)
SUBSCRIPTS = dict(
    zip("0123456789+-=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True)
)
RAISED = {"∘": "°", "⊤": "ᵀ", "*": "*", "∗": "*", "⋆": "⋆", "†": "†", "‡": "‡"}
DOUBLE_STRUCK = {
    "C": "ℂ", "H": "ℍ", "N": "ℕ", "P": "ℙ", "Q": "ℚ", "R": "ℝ", "Z": "ℤ", "1": "𝟙",
    **{c: chr(0x1D538 + ord(c) - ord("A")) for c in "ABDEFGIJKLMOSTUVWXY"},
}  # fmt: skip

TEXT_STYLES = _names(
    "emph textbf textit texttt textsc textsf textrm textsl textmd textup textnormal uline"
    " uwave mbox hbox fbox text textsubscript intertext shortintertext enquote"
    " footnotesize section subsection paragraph title caption so hl sout uppercase lowercase"
    " MakeUppercase MakeLowercase textquote keywords author texorpdfstring"
)
MATH_STYLES = _names(
    "mathbf mathrm mathit mathsf mathtt mathcal mathscr mathfrak frak mathnormal boldsymbol bm bf"
    " pmb operatorname ensuremath substack underbrace overbrace overrightarrow underline boxed"
    " mathop mathbin mathrel mathord smash vphantom mathds bbm"
)
# Switches, sizes and fences, which only change how text looks.
SILENT = _names(
    "bf it em rm sc tt sf sl cal bfseries itshape scshape ttfamily sffamily rmfamily mdseries"
    " upshape normalfont displaystyle textstyle scriptstyle scriptscriptstyle limits nolimits left"
    " right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr bigm Bigm tiny"
    " scriptsize small normalsize large Large LARGE huge Huge nonumber notag noindent centering"
    " protect xspace mathstrut strut allowbreak relax maketitle raggedright boldmath unboldmath"
    " selectfont ignorespaces leavevmode nobreak footnotesize"
)
SPACES = _names(
    "par newline linebreak pagebreak newpage quad qquad enspace thinspace medspace thickspace"
    " hfill space smallskip medskip bigskip break tabularnewline hline nobreakspace"
)
# Macros whose argument is a name or a length, and not text.
KEYED = _names(
    "label ref eqref autoref cref Cref pageref nameref hypersetup vspace hspace includegraphics"
    " bibliography bibliographystyle pagestyle thispagestyle color usepackage input include tag"
    " phantom hphantom fontsize begin end bibitem setcounter definecolor thanks"
)
MATH_ENVIRONMENTS = _names(
    "equation align gather multline eqnarray displaymath math alignat split aligned"
)
OVERRIDES = {
    "sim": "~", "to": "→", "dots": "…", "ldots": "…", "cdots": "⋯", "lbrace": "{", "rbrace": "}",
    "lbrack": "[", "rbrack": "]", "vert": "|", "lvert": "|", "rvert": "|", "mid": "|",
    "Vert": "‖", "lVert": "‖", "rVert": "‖", "slash": "/", "textasciitilde": "~",
    "textasciicircum": "^", "textbackslash": "\\", "textbar": "|", "textless": "<",
    "textgreater": ">", "backslash": "\\", "lq": "‘", "rq": "’", "item": " • ", "prime": "′",
    "bmod": "mod", "mod": "mod", "colon": ":", "top": "⊤", "TeX": "TeX", "LaTeX": "LaTeX",
    "LaTeXe": "LaTeX2e", "BibTeX": "BibTeX", "arXiv": "arXiv", "ie": "i.e.", "eg": "e.g.",
    "etal": "et al.", "etc": "etc.", "le": "≤", "ge": "≥", "leq": "≤", "geq": "≥", "ll": "≪",
    "gg": "≫", "lesssim": "≲", "gtrsim": "≳", "ne": "≠", "neq": "≠", "today": "today", "P": "¶",
    "S": "§", "and": "and", "negthinspace": "", "lt": "<", "gt": ">", "textmu": "µ",
    "degree": "°", "textdegree": "°", "celsius": "°C", "percent": "%", "textperthousand": "‰",
    "triangleq": "≜", "coloneqq": "≔", "argmax": "argmax", "argmin": "argmin", "lfloor": "⌊",
    "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉", "checkmark": "✓", "xmark": "✗", "cmark": "✓",
}  # fmt: skip


@cache
def symbols() -> dict[str, str]:
    """Macro names and the text they stand for; loading pylatexenc's tables takes some 30 ms."""
    from pylatexenc.latex2text import get_default_latex_context_db  # noqa: PLC0415 - loaded only when TeX is met

    table = {
        spec.macroname: spec.simplify_repl
        for spec in get_default_latex_context_db().iter_macro_specs()
        if isinstance(spec.simplify_repl, str) and "%" not in spec.simplify_repl
    }
    return table | OVERRIDES
