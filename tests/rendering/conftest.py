"""An invented day of papers: ordinary ones, and the kinds of text that break mails."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time
from functools import cache

import pytest

from digest.model import (
    Cadence,
    Digest,
    Link,
    LinkKind,
    Paper,
    Pick,
    Reason,
    ReasonKind,
    Site,
    Status,
    Subscriber,
    Topic,
)
from digest.rendering import mail

ABSTRACT = (
    "Search engines answer best when they know what was asked, and worst when the question has "
    "no words in common with the answer. We study how a small encoder can be taught to bridge "
    "that gap from the pages people turn back to, without any labels. On four collections the "
    "method finds 7.4 % more of the relevant documents at a tenth of the memory, and it gets "
    "better, not worse, as the collection grows. We explain why: most of the gain comes from the "
    "rare questions, which earlier training sets leave out. Code and the turned-back pages of "
    "two libraries are released."
)

TITLES = (
    "Learning to Retrieve from Pages People Turn Back To",
    "When Is α < β & γ > 0? Sharp Thresholds for Sparse Recovery in ℓ₁",
    "Schrödinger Bridges over Graphs: Éléments d’une théorie",
    "نماذج لغوية صغيرة للبحث في المكتبات القديمة",
    "🦉 Owls at Night: Cheap Distillation of Very Large Rerankers",
    (
        "A Very Long Title That Goes On, and On, through Every Ingredient of the Method, from the "
        "Tokenizer to the Loss, the Schedule, the Hardware, the Seeds, and Finally the Name of the "
        "Data Set It Was Tuned for, which Nobody Else Has, so That No Line of Any Mail Can Hold It "
        "and Every Reader Has Given Up by Now, as Intended"
    ),
    "检索增强生成中的长尾问题",
    "Counting Triangles in O(n) Expected Time",
    "Do Citation Graphs Forget? A Century of References",
    "<b>Bold</b> Claims: \"Quoting\" 'Everything' &amp; Then Some",
)


def make_paper(number: int, title: str, **changes: object) -> Paper:
    paper = Paper(
        id=f"arxiv:2606.{number:05}",
        title=title,
        abstract=ABSTRACT,
        authors=("Ada Grün", "Mei-Ling Čapek", "O. N’Diaye", "Ravi Iyer", "Zoë Ó Sé", "Jo Poe")
        + ("Kim Oh",) * (number % 4 * 3),
        categories=("cs.IR", "cs.LG", "stat.ML", "math.ST")[: 1 + number % 4],
        url=f"https://arxiv.org/abs/2606.{number:05}",
        links=(
            Link(kind=LinkKind.PDF, url=f"https://arxiv.org/pdf/2606.{number:05}"),
            *(
                (Link(kind=LinkKind.CODE, url=f"https://code.example.org/p/{number}?a=1&b=2"),)
                if number % 2
                else ()
            ),
        ),
    )
    return replace(paper, **changes)


@pytest.fixture
def site() -> Site:
    return Site(
        name="Paper Digest",
        url="https://digest.example.org",
        mail_from="digest@example.org",
        list_id="digest.example.org",
        unsubscribe_to="unsubscribe@example.org",
        bounce_to="bounce@example.org",
        imprint="Example Library, 1 Reading Lane, 12345 Booktown",
        contact="ask@example.org",
    )


@pytest.fixture(scope="session")
def topics() -> dict[str, Topic]:
    return {
        "cs.IR": Topic(id="cs.IR", name="Information Retrieval", categories=("cs.IR",)),
        "cs.LG": Topic(id="cs.LG", name="Machine Learning", categories=("cs.LG",)),
        "retrieval": Topic(id="retrieval", name="Retrieval & Search", group="Topics"),
    }


@pytest.fixture
def papers() -> dict[str, Paper]:
    picked = [make_paper(number, title) for number, title in enumerate(TITLES, 1)]
    others = [
        make_paper(number, f"{TITLES[number % 3]}, Part {number}") for number in range(11, 42)
    ]
    return {paper.id: paper for paper in (*picked, *others)}


@pytest.fixture
def subscriber() -> Subscriber:
    return Subscriber(
        id="s_ada",
        email="ada@example.com",
        status=Status.ACTIVE,
        tz="Europe/Berlin",
        at=time(7),
        cadence=Cadence.DAILY,
        key="ab" * 32,
        created_at=datetime(2026, 5, 1, tzinfo=UTC),
    )


@pytest.fixture
def digest(papers, subscriber, now) -> Digest:
    ids = list(papers)
    reason = Reason(kind=ReasonKind.TOPIC, what="cs.IR", amount=1.0)
    return Digest(
        id=f"{subscriber.id}.2026-06-10",
        subscriber_id=subscriber.id,
        edition="2026-06-10",
        since=datetime(2026, 6, 9, 5, tzinfo=UTC),
        until=datetime(2026, 6, 10, 5, tzinfo=UTC),
        picks=tuple(Pick(paper_id=each, score=1.0, reasons=(reason,)) for each in ids[:10]),
        rest=tuple(ids[10:]),
        announced=367,
        matched=41,
        withheld=3,
        composed_at=now,
    )


@pytest.fixture
def because():
    def explain(pick: Pick) -> str:
        return {
            "arxiv:2606.00001": "Because you follow Information Retrieval and liked “Owls by Day”.",
            "arxiv:2606.00003": "",
        }.get(pick.paper_id, "Because you follow Information Retrieval.")

    return explain


@pytest.fixture(scope="session")
def compiled(topics):
    """The templates of a site, kept because compiling takes longer than the rest of a test."""
    return cache(lambda site: mail.compile_mail(site, topics))


@pytest.fixture
def edition(compiled, site, papers, because) -> mail.Edition:
    return mail.Edition(compiled(site), papers, upvotes={"arxiv:2606.00002": 57}, because=because)


@pytest.fixture
def show(compiled, site, papers, digest, subscriber):
    """What the reader sees of a digest; say what is different."""

    def parts(*, site=site, papers=papers, digest=digest, subscriber=subscriber, **more):
        return mail.parts(mail.Edition(compiled(site), papers, **more), digest, subscriber)

    return parts
