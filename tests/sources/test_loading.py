import sys
from types import ModuleType

import pytest

from digest import sources
from digest.errors import ConfigError
from digest.sources.feed import FeedSource


@pytest.fixture
def plugin(monkeypatch):
    module = ModuleType("my_pkg_src")
    monkeypatch.setitem(sys.modules, "my_pkg_src", module)
    return module


def test_a_class_of_this_package_is_built_with_its_options():
    source = sources.load(
        "lab", ".feed:FeedSource", {"url": "https://e.org/feed", "categories": ["cs.LG"]}
    )

    assert source == FeedSource(name="lab", url="https://e.org/feed", categories=("cs.LG",))


def test_a_module_alone_means_its_own_source():
    assert isinstance(sources.load("lab", ".feed", {"url": "https://e.org/feed"}), FeedSource)


def test_a_class_of_anyones_is_taken(plugin):
    class Mine:
        def __init__(self, *, name, **options):
            self.name, self.options = name, options

        def requests(self, cursor, now):
            return []

        def parse(self, listing):
            return None

    plugin.Mine = Mine

    assert sources.load("mine", "my_pkg_src:Mine", {"anything": 1}).options == {"anything": 1}


@pytest.mark.parametrize("name", sorted(set(sources.BUILT_IN) - {"feed"}))
def test_every_built_in_source_is_there(name):
    assert sources.load(name, sources.BUILT_IN[name], {}).name == name


@pytest.mark.parametrize(
    ("use", "options", "words"),
    [
        (".nowhere:X", {}, ["sources.lab", "'.nowhere:X'", "cannot be imported", ".arxiv:Arxiv"]),
        ("no_such_package.src:X", {}, ["sources.lab", "no_such_package"]),
        ("..config", {}, ["sources.lab"]),
        ("", {}, ["sources.lab"]),
        (".feed:Nothing", {}, ["sources.lab", "no class Nothing", "digest.sources.feed"]),
        (".feed:FeedSource", {"url": "https://e.org", "colour": 1}, ["sources.lab", "'colour'", "url, categories, title"]),
        (".feed:FeedSource", {}, ["sources.lab", "'url' is missing"]),
        (".feed:FeedSource", {"url": "ftp://e.org"}, ["sources.lab", "is not an http or https address"]),
        (".feed:FeedSource", {"url": 3}, ["sources.lab", "is not an http or https address"]),
        (".feed:FeedSource", {"url": "https://e.org", "categories": "cs.LG"}, ["sources.lab", "categories must be a list"]),
        (".arxiv:Arxiv", {"categories": "cs.LG"}, ["sources.lab", "categories must be a list"]),
        (".arxiv:Arxiv", {"categories": None}, ["sources.lab", "categories must be a list"]),
        (".arxiv:Arxiv", {"categories": [1]}, ["sources.lab", "categories has 1"]),
        (".arxiv:Arxiv", {"categories": ["cs.LG+evil"]}, ["sources.lab", "categories has 'cs.LG+evil'"]),
        (".arxiv:Arxiv", {"categories": ["../x"]}, ["sources.lab", "categories has '../x'"]),
        (".arxiv:Arxiv", {"categories": ["CS.LG"]}, ["sources.lab", "categories has 'CS.LG'"]),
        (".arxiv:Arxiv", {"per_request": 31}, ["sources.lab", "per_request must be a number from 1 to 30"]),
        (".arxiv_api:ArxivApi", {"page_size": 2001}, ["sources.lab", "page_size must be a number from 1 to 2000"]),
        (".arxiv_oai:ArxivOai", {"sets": ["cs&until=x"]}, ["sources.lab", "sets has 'cs&until=x'"]),
        (".biorxiv:Biorxiv", {"days": 0}, ["sources.lab", "days must be a number from 1 to 31"]),
        (".biorxiv:Biorxiv", {"days": "2"}, ["sources.lab", "days must be a number from 1 to 31"]),
        (".biorxiv:Biorxiv", {"days": None}, ["sources.lab", "days must be a number from 1 to 31"]),
        (".huggingface:HuggingFace", {"days": 15}, ["sources.lab", "days must be a number from 1 to 14"]),
        ("my_pkg_src:Number", {}, ["sources.lab", "is not a source"]),
        ("my_pkg_src:Broken", {}, ["sources.lab", "bad luck"]),
    ],
)  # fmt: skip
def test_a_wrong_configuration_names_the_source_and_the_key(plugin, use, options, words):
    def broken(*, name):
        raise ValueError("bad luck")

    plugin.Number = lambda *, name: 3
    plugin.Broken = broken

    with pytest.raises(ConfigError) as caught:
        sources.load("lab", use, options)

    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("class Mine(\n", ["SyntaxError", "broken_source.py, line 1"]),
        ("import no_such_package\n", ["No module named 'no_such_package'", "line 1"]),
        ("\nx = y\n", ["NameError: name 'y' is not defined", "broken_source.py, line 2"]),
        (
            "class Mine:\n    def __init__(self, name):\n        {}['x']\n",
            ["KeyError: 'x'", "broken_source.py, line 3"],
        ),
    ],
)
def test_a_module_that_fails_is_named_with_its_line(tmp_path, monkeypatch, text, words):
    (tmp_path / "broken_source.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "broken_source", raising=False)

    with pytest.raises(ConfigError) as caught:
        sources.load("lab", "broken_source:Mine", {})

    assert caught.value.message.startswith("sources.lab: use = 'broken_source:Mine' cannot be ")
    assert all(each in caught.value.message for each in words)
