"""A new reader's walk, in a real browser: subscribe, confirm, preferences, answers, leave."""

import re

import pytest

NARROW, WIDE = {"width": 320, "height": 640}, {"width": 1280, "height": 900}

pytestmark = pytest.mark.slow


def press(page, name):
    """Press the button as a person would: one tap, and wait for what comes."""
    page.get_by_role("button", name=name).first.click()
    page.wait_for_load_state()


def main_text(page):
    return page.locator("main").inner_text()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_from_a_first_look_to_leaving(browse, site, script, size):
    address = f"reader-{'script' if script else 'plain'}-{size['width']}@digest.example"
    page = browse(script=script, size=size)

    page.goto("/subscribe?topics=cs.IR")
    page.get_by_label("Keywords").fill("dual encoder")
    page.get_by_role("button", name="Show me today's digest").click()
    page.locator("#preview article").first.wait_for()
    assert page.get_by_label("Keywords").input_value() == "dual encoder"
    if script:
        assert page.get_by_label("Time zone").input_value() == "Europe/Prague"

    page.get_by_label("Your email address").fill(address)
    page.get_by_role("button", name="Subscribe", exact=True).click()
    page.get_by_role("heading", level=1, name=re.compile("mailbox", re.IGNORECASE)).wait_for()

    page.goto(site.link(address, "c/"))
    press(page, re.compile("^Yes"))
    assert "subscribed" in main_text(page).lower()

    page.goto(site.link(address, "d/"))
    assert page.locator("article").count() >= 1
    press(page, re.compile("^More like this"))
    page.get_by_role("button", name=re.compile("^Undo")).first.wait_for()

    page.goto(site.link(address, "me/"))
    page.get_by_label("Papers at most").fill("3")
    press(page, re.compile("^(Save|Keep)"))
    assert page.get_by_label("Papers at most").input_value() == "3"

    page.goto(site.link(address, "u/"))
    press(page, re.compile("^Unsubscribe"))
    assert "unsubscribed" in main_text(page).lower()


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(browse, tmp_path):
    large, small = tmp_path / "large.bib", tmp_path / "small.bib"
    large.write_bytes(b"x" * 3_000_000)
    small.write_bytes(b"@misc{a, eprint={2606.00001}}")
    page = browse()
    page.goto("/subscribe?topics=cs.IR")
    page.get_by_label("Keywords").fill("dual encoder")
    page.get_by_text("Example papers, searches, muted words").first.click()
    page.set_input_files("#file", large)
    refusal = page.get_by_role("alert").filter(has_text="larger than the 2 MB")
    refusal.wait_for()
    page.get_by_text("Example papers, searches, muted words").first.click()
    for name in ("Show me today's digest", "Subscribe"):
        page.get_by_role("button", name=name, exact=True).click()
        assert page.locator("#file:focus").count() == 1
        assert page.url.endswith("/subscribe?topics=cs.IR")
    page.set_input_files("#file", small)
    refusal.wait_for(state="hidden")
    press(page, "Show me today's digest")
    page.locator("#preview article").first.wait_for()
    assert page.get_by_label("Keywords").input_value() == "dual encoder"


def test_a_keyboard_is_enough_for_all_of_it(browse, site):
    address = "keyboard@digest.example"
    page = browse()
    page.goto("/subscribe")
    tab_to(page, "input#q")
    page.keyboard.type("retriev")
    tab_to(page, "input[name=topics][value=retrieval]")
    page.keyboard.press("Space")
    tab_to(page, "textarea#keywords")
    page.keyboard.type("retrieval")
    tab_to(page, "input#email")
    page.keyboard.type(address)
    page.keyboard.press("Enter")
    page.get_by_role("heading", level=1, name=re.compile("mailbox", re.IGNORECASE)).wait_for()

    page.goto(site.link(address, "c/"))
    tab_to(page, "main button")
    page.keyboard.press("Enter")
    page.get_by_role("heading", level=1, name="You are subscribed").wait_for()

    page.goto(site.link(address, "d/"))
    tab_to(page, "form.answers button")
    page.keyboard.press("Space")
    page.get_by_role("button", name=re.compile("^Undo")).first.wait_for()

    page.goto(site.link(address, "me/"))
    tab_to(page, "input#limit")
    page.keyboard.press("Control+a")
    page.keyboard.type("4")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("done="))
    assert page.get_by_label("Papers at most").input_value() == "4"

    page.goto(site.link(address, "u/"))
    tab_to(page, "main button")
    page.keyboard.press("Enter")
    page.get_by_role("heading", level=1, name=re.compile("unsubscribed")).wait_for()


def test_after_undo_the_keyboard_is_where_the_answer_was_given(browse, site):
    page = browse()
    page.goto(site.link("ada@digest.example", "d/"))
    paper = page.locator("article").nth(2)
    known = paper.get_by_role("button", name=re.compile("^Already knew it"))
    known.press("Enter")
    paper.get_by_role("button", name=re.compile("^Undo")).press("Enter")
    paper.get_by_text("That is undone").wait_for()
    assert known.evaluate("each => each === document.activeElement")


def tab_to(page, selector, most=150):
    """Press Tab until the element has the focus; what has it must be seen to have it."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    pytest.fail(f"{selector} cannot be reached by keyboard")


def test_search_answers_while_one_types_and_without_script_too(browse):
    typing = browse()
    typing.goto("/search")
    typing.get_by_role("searchbox").fill("retrieval")
    typing.locator("#results .paper").first.wait_for()

    plain = browse(script=False)
    plain.goto("/")
    plain.get_by_role("searchbox").fill("retrieval")
    plain.get_by_role("searchbox").press("Enter")
    plain.locator("#results .paper").first.wait_for()
    assert "q=retrieval" in plain.url


def test_the_feed_that_a_page_names_follows_what_is_typed(browse):
    page = browse()
    page.goto("/search?q=spikes")
    page.get_by_role("searchbox").fill("retrieval")
    page.get_by_text("for retrieval").wait_for()
    feeds = page.locator("head link[rel=alternate]").evaluate_all(
        "all => all.map(each => each.title)"
    )
    assert feeds == ["Search: retrieval"]


def test_what_was_found_for_one_query_does_not_stand_under_another(browse):
    page = browse()
    page.goto("/search?q=retrieval")
    page.locator("#results .paper").first.wait_for()
    page.route("**/search?q=spikes", lambda route: route.fulfill(status=404))
    page.get_by_role("searchbox").fill("spikes")
    page.get_by_text("could not be searched just now").wait_for()
    assert page.locator("#results").inner_text() == ""

    page.unroute("**/search?q=spikes")
    page.get_by_role("searchbox").fill("retrieval")
    page.locator("#results .paper").first.wait_for()
    found = page.locator("#results .paper a").first.get_attribute("href")
    page.get_by_role("searchbox").fill(found.rpartition(":")[2])
    page.get_by_text("That is one paper").wait_for()
    assert page.locator("#results .paper").count() == 0


def test_the_operator_sees_the_state_of_things_and_nobody_else_does(browse):
    page = browse()
    page.goto("/operator")
    assert "Deliveries" not in main_text(page)

    page.get_by_label(re.compile("token|secret", re.IGNORECASE)).fill("an operator's secret")
    page.get_by_role("button").last.click()
    page.get_by_role("heading", name=re.compile("Deliveries")).first.wait_for()
