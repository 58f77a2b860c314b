"""The sample listings look like the real thing, and hold what the demo and the docs rely on."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from importlib import resources
from pathlib import Path

import pytest

from digest.model import AnnounceType, Listing
from digest.sources.arxiv import Arxiv
from digest.sources.huggingface import HuggingFace

SAMPLE = Path(str(resources.files("digest.sample")))
DAYS = ("2026-06-09", "2026-06-10", "2026-06-11")
DC = "{http://purl.org/dc/elements/1.1/}"
ARXIV = "{http://arxiv.org/schemas/atom}"
DESCRIPTION = re.compile(
    r"arXiv:(?P<id>2606\.9\d{4})v(?P<version>\d) Announce Type: (?P<type>[a-z-]+) \n"
    r"Abstract: (?P<abstract>.+)",
    re.DOTALL,
)
PERSONAS = {
    "information retrieval": (
        ("cs.IR",),
        ("generative retrieval", "differentiable search index", "dual encoder"),
    ),
    "neuroscience": (("q-bio.NC",), ("spiking", "calcium imaging", "cortex")),
    "optimisation": (("math.OC", "stat.ML"), ("stochastic gradient", "convex", "convergence")),
}


def channel(day: str) -> ET.Element:
    found = ET.parse(SAMPLE / f"arxiv-{day}.xml").getroot().find("channel")
    assert found is not None
    return found


def text(item: ET.Element, tag: str) -> str:
    return item.findtext(tag) or ""


@pytest.fixture(scope="module")
def items() -> list[ET.Element]:
    return [item for day in DAYS for item in channel(day).findall("item")]


@pytest.fixture(scope="module")
def papers(items: list[ET.Element]) -> dict[str, ET.Element]:
    return {text(item, "link").rpartition("/")[2]: item for item in items}


def test_three_days_hold_enough_papers_from_enough_fields(papers: dict[str, ET.Element]) -> None:
    primary = {text(item, "category") for item in papers.values()}
    assert len(papers) >= 66
    assert len(primary) >= 8


def test_every_item_has_the_fields_of_an_arxiv_item_in_arxivs_order(
    items: list[ET.Element],
) -> None:
    for item in items:
        tags = " ".join(child.tag.replace(DC, "dc:").replace(ARXIV, "arxiv:") for child in item)
        assert re.fullmatch(
            "title link description guid (category )+pubDate arxiv:announce_type dc:rights "
            "(arxiv:DOI )?(arxiv:journal_reference )?dc:creator",
            tags,
        )
        assert item.find("guid").attrib == {"isPermaLink": "false"}  # type: ignore[union-attr]


def test_description_guid_and_link_of_an_item_tell_the_same_story(items: list[ET.Element]) -> None:
    for item in items:
        told = DESCRIPTION.fullmatch(text(item, "description"))
        assert told is not None
        assert text(item, "link") == f"https://arxiv.org/abs/{told['id']}"
        assert text(item, "guid") == f"oai:arXiv.org:{told['id']}v{told['version']}"
        assert text(item, f"{ARXIV}announce_type") == told["type"]
        assert 90 <= len(told["abstract"].split()) <= 170


@pytest.mark.parametrize("day", DAYS)
def test_a_day_is_one_announcement_new_first_and_each_paper_once(day: str) -> None:
    listed = channel(day).findall("item")
    types = [text(item, f"{ARXIV}announce_type") for item in listed]
    links = [text(item, "link") for item in listed]
    assert types == sorted(types, key=["new", "cross", "replace", "replace-cross"].index)
    assert len(links) == len(set(links))
    assert {text(item, "pubDate") for item in listed} == {text(channel(day), "pubDate")}


def test_a_paper_of_the_first_day_comes_back_as_cross_and_another_as_second_version() -> None:
    first, second, third = (
        {text(item, "link"): item for item in channel(day).findall("item")} for day in DAYS
    )
    again = {
        text(later[link], f"{ARXIV}announce_type")
        for later in (second, third)
        for link in later.keys() & first.keys()
    }
    assert again == {"cross", "replace"}


def test_replacements_are_of_second_or_later_versions(items: list[ET.Element]) -> None:
    versions = [
        int(text(item, "guid").rpartition("v")[2])
        for item in items
        if text(item, f"{ARXIV}announce_type").startswith("replace")
    ]
    assert len(versions) >= 3
    assert min(versions) >= 2


def test_the_difficult_kinds_of_text_occur(items: list[ET.Element]) -> None:
    titles = [text(item, "title") for item in items]
    creators = [text(item, f"{DC}creator") for item in items]
    descriptions = [text(item, "description") for item in items]
    assert sum("$" in title for title in titles) >= 4
    assert sum("$" in description for description in descriptions) >= 10
    assert any("$x<y$" in title for title in titles)
    assert any(" & " in title for title in titles)
    assert any(r"Ren\'e" in creator for creator in creators)
    assert any(r"\v{s}" in creator for creator in creators)
    assert any(re.search(r"\([^)]*, [^)]*\)", creator) for creator in creators)
    assert max(creator.count(", ") for creator in creators) >= 25
    assert sum("https://github.com/example-org/" in each for each in descriptions) >= 8
    assert sum(item.find(f"{ARXIV}DOI") is not None for item in items) >= 1


@pytest.mark.parametrize("persona", PERSONAS)
def test_each_persona_of_the_demo_finds_papers_on_every_day(persona: str) -> None:
    categories, words = PERSONAS[persona]
    for day in DAYS:
        theirs = [
            item
            for item in channel(day).findall("item")
            if any(each.text in categories for each in item.findall("category"))
            and any(
                word in (text(item, "title") + text(item, "description")).lower() for word in words
            )
        ]
        assert len(theirs) >= 3


def test_community_picks_are_papers_of_the_listings(papers: dict[str, ET.Element]) -> None:
    picks = json.loads((SAMPLE / "huggingface-2026-06-11.json").read_text(encoding="utf-8"))
    votes = [pick["paper"]["upvotes"] for pick in picks]
    assert 8 <= len(picks) <= 10
    assert (min(votes), max(votes)) == (3, 120)
    assert {pick["paper"]["id"] for pick in picks} <= papers.keys()
    assert all(pick["title"] == text(papers[pick["paper"]["id"]], "title") for pick in picks)
    assert sum("githubRepo" in pick["paper"] for pick in picks) == 1


def test_our_own_sources_read_every_entry_as_clean_text(papers: dict[str, ET.Element]) -> None:
    source = Arxiv(categories=("cs.LG",))
    read = [
        item
        for day in DAYS
        for item in source.parse(listing("arxiv", f"arxiv-{day}.xml", day)).items
    ]
    community = HuggingFace().parse(
        listing("huggingface", "huggingface-2026-06-11.json", "2026-06-11")
    )
    assert {item.paper.id for item in read} == {f"arxiv:{number}" for number in papers}
    assert {item.announcement.day.isoformat() for item in read} == set(DAYS)
    assert {item.announcement.type for item in read} == set(AnnounceType)
    assert not any(set("$\\") & set(item.paper.title + item.paper.abstract) for item in read)
    names = {name for item in read for name in item.paper.authors}
    assert {"René Quillfeather", "Milo\u0161 Terzi\u0107-Hart", "Oswin Tregarthen"} <= names
    assert community.problems == ()
    assert {item.paper.id for item in community.items} <= {item.paper.id for item in read}


def test_listings_are_shaped_like_recorded_ones(recordings: Path) -> None:
    real = ET.parse(recordings / "arxiv_rss" / "2026-06-11-cs-lg.xml").getroot().find("channel")
    assert real is not None
    ours = channel("2026-06-11")
    assert heading(ours) == heading(real)
    assert text(ours, "pubDate") == text(real, "pubDate")


def test_community_picks_are_shaped_like_recorded_ones(recordings: Path) -> None:
    real = json.loads((recordings / "hf_daily_papers" / "2026-08-21.json").read_text("utf-8"))
    ours = json.loads((SAMPLE / "huggingface-2026-06-11.json").read_text("utf-8"))
    for shape in (lambda pick: pick, lambda pick: pick["paper"], lambda pick: pick["submittedBy"]):
        known = {key: type(value) for pick in real for key, value in shape(pick).items()}
        for pick in ours:
            assert {key: type(value) for key, value in shape(pick).items()}.items() <= known.items()


def listing(source: str, name: str, place: str) -> Listing:
    body = (SAMPLE / name).read_bytes()
    return Listing(source=source, url=f"https://example.org/{name}", body=body, place=place)


def heading(listing: ET.Element) -> list[str]:
    return [child.tag for child in listing if child.tag != "item"]
