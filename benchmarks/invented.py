"""Papers, lists and people made up for measuring: nobody's words, the sizes and signs of real ones."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from html import escape

from digest.model import (
    Announcement,
    AnnounceType,
    Digest,
    Item,
    Link,
    LinkKind,
    Paper,
    Pick,
    Reason,
    ReasonKind,
    Status,
    Subscriber,
)
from digest.ports import Store

NOW = datetime(2026, 6, 10, 5, tzinfo=UTC)
CATEGORIES = ("cs.LG", "cs.CL", "cs.CV", "cs.IR", "cs.AI", "stat.ML", "math.OC", "quant-ph")
NAMES = ("Ada", "Bo", "Chi", "Dana", "Emre", "Fay", "Goro", "Hana", "Ilse", "Jun", "Kofi", "Lea", "Mei", "Noor", "Otto", "Pia", "Ravi", "Sol")  # fmt: skip
FAMILIES = ("Adler", "Brandt", "Castillo", "Diallo", "Eriksen", "Fontaine", "Gupta", "Hara", "Ivanov", "Jansen", "Kim", "Li")  # fmt: skip
SYLLABLES = ("al", "ber", "con", "dis", "en", "for", "gra", "hyp", "in", "jec", "kor", "lin", "mod", "net", "op", "par", "quan", "res", "sta", "tra")  # fmt: skip
ENDINGS = ("tion", "ing", "al", "ity", "s", "ed", "er", "ment", "ive", "ous")
SMALL = ("the", "of", "and", "a", "to", "in", "for", "with", "on", "by", "is", "that", "we", "as", "from", "this", "are", "which", "be", "our")  # fmt: skip
TEX = (r"$\mathcal{O}(n \log n)$", r"$\alpha < 0.05$", r"\emph{much}", "`as is'", r"$10^{-3}$")


def words(chance: random.Random) -> list[str]:
    """A vocabulary: about as many small words as there are in prose."""
    made = [
        "".join(chance.choices(SYLLABLES, k=chance.choice((2, 2, 3)))) + chance.choice(ENDINGS)
        for _ in range(600)
    ]
    return [*made, *SMALL * 20]


def papers(count: int, *, length: tuple[int, int] = (110, 200), seed: int = 7) -> list[Paper]:
    """Papers with abstracts of so many words; TeX in every fifth, as on arXiv."""
    chance = random.Random(seed)
    vocabulary = words(chance)
    return [_paper(number, chance, vocabulary, length) for number in range(count)]


def items(made: Sequence[Paper]) -> list[Item]:
    """The papers as an arXiv list announces them."""
    return [
        Item(
            paper=each,
            announcement=Announcement(
                paper_id=each.id,
                source="arxiv",
                feed=each.categories[0],
                day=NOW.date(),
                type=AnnounceType.NEW,
                seen_at=NOW,
            ),
        )
        for each in made
    ]


def rss(made: Sequence[Paper]) -> bytes:
    """The papers as arXiv's RSS writes them, 1.4 KB each."""
    entries = "".join(_entry(each) for each in made)
    return f"""<?xml version='1.0' encoding='UTF-8'?>
<rss xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/"\
 xmlns:atom="http://www.w3.org/2005/Atom" version="2.0">
  <channel>
    <title>cs.XX updates on arXiv.org</title>
    <link>http://rss.arxiv.org/rss/cs.XX</link>
    <description>cs.XX updates on the arXiv.org e-print archive.</description>
    <atom:link href="http://rss.arxiv.org/rss/cs.XX" rel="self" type="application/rss+xml"/>
    <docs>http://www.rssboard.org/rss-specification</docs>
    <language>en-us</language>
    <lastBuildDate>Wed, 10 Jun 2026 04:00:40 +0000</lastBuildDate>
    <pubDate>Wed, 10 Jun 2026 00:00:00 -0400</pubDate>
    <skipDays><day>Saturday</day><day>Sunday</day></skipDays>
{entries}  </channel>
</rss>
""".encode()


def digests(
    made: Sequence[Paper], people: Sequence[Subscriber], *, picks: int = 10, seed: int = 9
) -> Iterator[Digest]:
    """One digest a person: `picks` of the papers with a reason each, and ten titles more."""
    chance = random.Random(seed)
    for person in people:
        chosen = chance.sample(made, picks + 10)
        yield Digest(
            id=f"{person.id}.{NOW.date()}",
            subscriber_id=person.id,
            edition=NOW.date().isoformat(),
            since=NOW.replace(day=9),
            until=NOW,
            picks=tuple(_pick(paper, chance) for paper in chosen[:picks]),
            rest=tuple(paper.id for paper in chosen[picks:]),
            announced=len(made),
            matched=picks + 10,
            composed_at=NOW,
        )


def queue(store: Store, digests: Sequence[Digest], expires: datetime, domain: str) -> None:
    """Keep digests, to be sent until then."""
    store.ledger.compose(
        [(each, expires) for each in digests],
        next_due={},
        send_from={},
        message_ids={each.id: f"<{each.id}@{domain}>" for each in digests},
    )


def people(count: int, *, seed: int = 11) -> list[Subscriber]:
    """Active subscribers who are due."""
    chance = random.Random(seed)
    blank = Subscriber(
        id="", email="", status=Status.ACTIVE, key="", created_at=NOW, confirmed_at=NOW, due_at=NOW
    )
    return [
        replace(
            blank,
            id=f"s_{number:020x}",
            email=f"reader{number}@example.org",
            key=chance.randbytes(32).hex(),
            tz=chance.choice(("UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo")),
        )
        for number in range(count)
    ]


def _paper(
    number: int, chance: random.Random, vocabulary: Sequence[str], length: tuple[int, int]
) -> Paper:
    key = f"2606.{number + 10_000:05}"
    prose = chance.choices(vocabulary, k=chance.randint(*length))
    if number % 5 == 0:
        for at in range(10, len(prose), 40):
            prose[at] = chance.choice(TEX)
    for at in range(12, len(prose), 17):
        prose[at] = f"{prose[at]}."
    return Paper(
        id=f"arxiv:{key}",
        title=" ".join(chance.choices(vocabulary, k=9)).capitalize(),
        abstract=" ".join(prose).capitalize(),
        authors=tuple(
            f"{chance.choice(NAMES)} {chance.choice(FAMILIES)}" for _ in range(chance.randint(2, 7))
        ),
        categories=tuple(chance.sample(CATEGORIES, chance.randint(1, 3))),
        url=f"https://arxiv.org/abs/{key}",
        links=(Link(kind=LinkKind.PDF, url=f"https://arxiv.org/pdf/{key}"),),
        identifiers=(f"arxiv:{key}",),
    )


def _pick(paper: Paper, chance: random.Random) -> Pick:
    """With a topic, a word of the title, and for every fourth the first author."""
    topic = Reason(kind=ReasonKind.TOPIC, what=paper.categories[0], amount=chance.uniform(3, 6))
    word = Reason(
        kind=ReasonKind.KEYWORD,
        what=chance.choice(paper.title.split()),
        amount=chance.uniform(1, 3),
    )
    author = Reason(kind=ReasonKind.AUTHOR, what=paper.authors[0], amount=1.0)
    reasons = (topic, word, author) if chance.random() < 1 / 4 else (topic, word)
    return Pick(paper_id=paper.id, score=sum(each.amount for each in reasons), reasons=reasons)


def _entry(paper: Paper) -> str:
    key = paper.id.partition(":")[2]
    categories = "".join(f"      <category>{each}</category>\n" for each in paper.categories)
    return f"""    <item>
      <title>{escape(paper.title, quote=False)}</title>
      <link>{paper.url}</link>
      <description>arXiv:{key}v1 Announce Type: new
Abstract: {escape(paper.abstract, quote=False)}</description>
      <guid isPermaLink="false">oai:arXiv.org:{key}v1</guid>
{categories}      <pubDate>Wed, 10 Jun 2026 00:00:00 -0400</pubDate>
      <arxiv:announce_type>new</arxiv:announce_type>
      <dc:rights>http://creativecommons.org/licenses/by/4.0/</dc:rights>
      <dc:creator>{escape(", ".join(paper.authors), quote=False)}</dc:creator>
    </item>
"""
