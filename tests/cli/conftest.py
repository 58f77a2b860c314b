"""Runs the command line in this process, as a person would type it."""

import json
import resource
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes

import pytest

from digest.cli import main

ITEM = """<item>
<title>{title}</title>
<link>https://arxiv.org/abs/{id}</link>
<description>arXiv:{id}v1 Announce Type: new\x20
Abstract: {abstract}</description>
<guid isPermaLink="false">oai:arXiv.org:{id}v1</guid>
<category>{category}</category>
<pubDate>Wed, 10 Jun 2026 00:00:00 -0400</pubDate>
<arxiv:announce_type>new</arxiv:announce_type>
<dc:creator>Ada Example, Ren\\'e Sample</dc:creator>
</item>"""

LISTING = """<?xml version='1.0' encoding='UTF-8'?>
<rss xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:atom="http://www.w3.org/2005/Atom" version="2.0"><channel>
<title>cs.IR+cs.LG updates on arXiv.org</title>
<link>http://rss.arxiv.org/rss/cs.IR+cs.LG</link>
<lastBuildDate>Wed, 10 Jun 2026 04:00:01 +0000</lastBuildDate>
<pubDate>Wed, 10 Jun 2026 00:00:00 -0400</pubDate>
{items}
</channel></rss>"""


def listing(*papers):
    items = [
        ITEM.format(id=number, title=title, abstract=abstract, category=category)
        for number, title, abstract, category in papers
    ]
    return LISTING.format(items="\n".join(items))


SOURCES = ("arxiv", "arxiv-oai", "huggingface")

PAPERS = (
    ("2606.00001", "A dual encoder for old maps", "We train a dual encoder on maps.", "cs.IR"),
    ("2606.00002", "Counting penguins from above", "Penguins are counted at noon.", "cs.CV"),
    ("2606.00003", "Gradients that wander", "We follow gradients through fog.", "cs.LG"),
)


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def digest(tmp_path, monkeypatch, capsys):
    """`digest("status", "--json")` in an empty folder, with a database named by --db."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIGEST_SMTP_URL", f"maildir:{tmp_path / 'maildir'}")

    def run(*words, db="digest.db"):
        with pytest.raises(SystemExit) as stop:
            main(["--db", db, *words])
        captured = capsys.readouterr()
        return Ran(stop.value.code or 0, captured.out, captured.err)

    return run


@pytest.fixture
def small():
    """`with small():` no file can grow beyond what SQLite needs to read, as on a full disk."""

    @contextmanager
    def limited():
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (32_768, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited


@pytest.fixture
def listed(tmp_path):
    """A recorded arXiv listing of three papers."""
    path = tmp_path / "listing.xml"
    path.write_text(listing(*PAPERS), encoding="utf-8")
    return str(path)


@pytest.fixture
def many(digest, tmp_path):
    """A database with forty papers that have much to say."""
    papers = [
        (f"2606.{n:05}", f"On maps {n}", f"Map{n} of fog{n}. " * 99, "cs.LG") for n in range(40)
    ]
    (tmp_path / "many.xml").write_text(listing(*papers), encoding="utf-8")
    digest("init")
    digest("fetch", "arxiv", "--from", "many.xml")


@pytest.fixture
def ada(digest):
    ran = digest("subscribe", "ada@example.org", "--topic", "cs.IR", "--confirmed", "--json")
    return ran.json


@pytest.fixture
def offline(tmp_path):
    """Settings of an installation that reads no source."""
    nothing = "".join(f"[sources.{each}]\nenabled = false\n" for each in SOURCES)
    (tmp_path / "digest.toml").write_text(nothing, encoding="utf-8")


@pytest.fixture
def recipients(tmp_path):
    """Whom the mails in the Maildir are to, in order of their addresses."""

    def read():
        files = (tmp_path / "maildir" / "new").glob("*")
        return sorted(message_from_bytes(each.read_bytes())["to"] for each in files)

    return read
