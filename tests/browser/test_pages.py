"""Every page at 195 to 390 px and wide, light and dark: nothing sticks out, axe finds nothing."""

import re
from datetime import UTC, datetime, timedelta

import pytest

NARROW, WIDE = {"width": 320, "height": 640}, {"width": 1280, "height": 900}
ADA = "ada@digest.example"
YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
PAPER = "arxiv:2606.92001"
AUTHOR = "Amara%20Nkemdirim-Sato"

pytestmark = pytest.mark.slow

PUBLIC = (
    "/",
    f"/days/{YESTERDAY}",
    f"/calendar/{YESTERDAY[:7]}",
    "/topics",
    "/topics/cs.IR",
    "/topics/retrieval",
    f"/papers/{PAPER}",
    f"/authors/{AUTHOR}",
    "/search",
    "/search?q=retrieval",
    "/search?q=nothing-has-this-word",
    "/trending",
    "/trending/month",
    "/picks",
    "/feeds",
    "/about",
    "/privacy",
    "/help",
    "/subscribe",
    "/subscribe?topics=cs.IR",
    "/me",
    "/no-such-page",
    "/operator",
)
PERSONAL = (
    ("d/", ""),
    ("d/", "/1/more"),
    ("d/", "/1/hide-author"),
    ("u/", ""),
    ("me/", ""),
    ("me/", "/likes"),
    ("me/", "/archive"),
    ("me/", "/saved"),
    ("me/", "/submit"),
    ("me/", "/curate"),
    ("me/", f"/papers/{PAPER}"),
)


def sticking_out(page):
    """How many pixels the page is wider than the screen."""
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


@pytest.fixture
def addresses(site):
    links = {path: site.link(ADA, path) for path, _ in PERSONAL}
    return [*PUBLIC, *(links[path] + rest for path, rest in PERSONAL)]


@pytest.mark.parametrize("width", [390, 195], ids=["phone", "phone enlarged to 200 %"])
def test_nothing_sticks_out_on_a_phone(browse, addresses, width):
    page = browse(size={"width": width, "height": 640})
    found = {}
    for address in addresses:
        page.goto(address)
        if sticking_out(page) > 0:
            found[re.sub(r"s_\S+?(?=/|$)", "TOKEN", address)] = sticking_out(page)

    assert not found


def test_a_title_that_holds_an_address_breaks_where_answers_are_listed(browse, site):
    page = browse(size=NARROW)
    page.goto(f"{site.link(ADA, 'me/')}/likes")
    page.evaluate(
        """document.querySelector("main").insertAdjacentHTML("beforeend", `<form class="inline">
        <span>You saved https://code.example/quennell/retrieval_of_new_papers_by_late_interaction</span>
        <button type="submit" class="plain">Undo</button></form>`)"""
    )
    assert sticking_out(page) <= 0


def test_an_author_of_one_long_word_can_be_hidden_on_a_phone(browse, site):
    page = browse(size=NARROW)
    page.goto(f"{site.link(ADA, 'd/')}/1/hide-author")
    name = page.locator(".box > span").first
    name.evaluate("each => { each.textContent = 'Wolfeschlegelsteinhausenbergerdorff'; }")
    assert sticking_out(page) <= 0


def test_what_is_printed_says_which_papers_it_holds(browse, site):
    page = browse()
    page.emulate_media(media="print")
    page.goto(f"/papers/{PAPER}")
    assert page.get_by_text(PAPER, exact=True).is_visible()
    assert not page.get_by_text("BibTeX").is_visible()
    assert "https://arxiv.org/abs/2606.92001" in printed_after_links(page)

    page.goto(site.link(ADA, "d/"))
    assert len(printed_after_links(page)) == page.locator("article").count()

    page.goto(f"/days/{YESTERDAY}")
    assert not page.locator("aside").is_visible()
    page.goto(f"{site.link(ADA, 'me/')}/likes")
    assert not page.locator("select:visible").count()


def printed_after_links(page):
    """The addresses that stand after links on paper."""
    return page.evaluate(
        """[...document.querySelectorAll("main a")]
        .filter(each => getComputedStyle(each, "::after").content.includes("http"))
        .map(each => each.href)"""
    )


@pytest.mark.parametrize("address", ["/trending", "/topics"])
def test_the_page_one_is_on_is_told_in_colours_of_the_readers_own(browse, address):
    page = browse()
    page.emulate_media(forced_colors="active")
    page.goto(address)
    lines = page.locator(".top nav a, .tabs a").evaluate_all(
        """all => all.filter(each => {
            const style = getComputedStyle(each);
            return style.borderBottomColor !== getComputedStyle(document.body).backgroundColor;
        }).map(each => each.ariaCurrent)"""
    )
    assert lines == ["page"] * len(page.locator("[aria-current]").all())


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_axe_finds_nothing_and_nothing_sticks_out(browse, axe, addresses, size, dark):
    page = browse(size=size, dark=dark)
    found = {}
    for address in addresses:
        answer = page.goto(address)
        wrong = axe(page)
        if sticking_out(page) > 0:
            wrong.append(f"{sticking_out(page)} pixels wider than the screen")
        if answer.status != 200 and address != "/no-such-page":
            wrong.append(f"status {answer.status}")
        if wrong:
            found[re.sub(r"s_\S+?(?=/|$)", "TOKEN", address)] = wrong

    assert not found
