"""What the documents say exists, exists; what exists, the documents say."""

import re
import runpy
from pathlib import Path

import click
import pytest

from digest.cli import cli

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands(group=cli, prefix="digest"):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", command


def test_the_page_of_commands_is_current():
    made = runpy.run_path(str(ROOT / "docs" / "make_commands.py"))
    assert made["page"]() == (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")


def test_every_command_and_option_says_what_it_is_for():
    for path, command in commands():
        assert command.help, path
        for each in command.params:
            if isinstance(each, click.Option):
                assert each.help, f"{path} {each.opts[0]}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_a_page_shows_can_be_typed(page):
    known = {path.split()[1] for path, _ in commands()} | {"subscribers"}
    shown = re.findall(
        r"(?:^\$ (?:DIGEST_\S+ )*|`)digest ((?:--?\w+ \S+ )*)([a-z]+)",
        page.read_text("utf-8"),
        re.MULTILINE,
    )
    assert {word for _, word in shown} <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_between_pages_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_route_is_documented(application):
    from digest.web import application as asgi

    text = (ROOT / "docs" / "web.md").read_text(encoding="utf-8")
    for route in asgi(application).routes:
        path = re.sub(r":\w+}", "}", getattr(route, "path", ""))
        if path:
            assert f"`{path}`" in text, path


def test_the_readme_begins_with_what_it_is_and_two_commands():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    assert "digest demo" in blocks[0]
    assert "pytest" in blocks[1]
    assert text.index("digest.png") < text.index(blocks[0])
