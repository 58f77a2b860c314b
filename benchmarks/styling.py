"""CSS and template of one mail: joined from ready pieces, beside inlining every rendered mail.

    pip install css-inline
    python benchmarks/styling.py [--rounds 5]

All three begin with a digest and end with the two styled parts as text or bytes; the inliners get
the same template rendered whole by Jinja. Ratios by processor time.
"""

from __future__ import annotations

import argparse
from datetime import timedelta

import css_inline
import invented
import rounds
from obvious import Obvious, styled_by_premailer

from digest.model import Envelope, Site, Topic
from digest.ranking import explain
from digest.rendering import bodies, links, mail

SITE = Site(
    name="Paper Digest",
    url="https://digest.example.org",
    mail_from="digest@example.org",
    list_id="digest.example.org",
    imprint="Example Library, 1 Reading Lane, 12345 Booktown",
)
TOPICS = {
    each: Topic(id=each, name=f"The Field of {each}", categories=(each,))
    for each in invented.CATEGORIES
}
MANY, SOME, FEW = 1_000, 200, 40


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    papers = {each.id: each for each in invented.papers(2_000, length=(60, 90))}
    people = invented.people(MANY)
    envelopes = [
        Envelope(
            digest=digest,
            subscriber=person,
            message_id=f"<{digest.id}@example.org>",
            expires_at=invented.NOW + timedelta(days=1),
            lease="",
        )
        for digest, person in zip(
            invented.digests(list(papers.values()), people, picks=7), people, strict=True
        )
    ]
    titles = {key: each.title for key, each in papers.items()}
    because = explain.Because(topics=TOPICS, titles=titles)
    edition = mail.Edition(mail.compile_mail(SITE, TOPICS), papers, because=because)
    obvious = Obvious(SITE, TOPICS, papers, because)
    inliner = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)

    def joined() -> None:
        for each in envelopes:
            personal = links.personal(SITE, each.subscriber, each.digest.edition)
            body = bodies.compose(edition, each.digest, each.subscriber, personal)
            b"".join(body.html), b"".join(body.text)

    def by_css_inline() -> None:
        for each in envelopes[:SOME]:
            context = obvious.context(each)
            inliner.inline(obvious.html(context))
            obvious.text(context)

    def by_premailer() -> None:
        for each in envelopes[:FEW]:
            context = obvious.context(each)
            styled_by_premailer(obvious.html(context))
            obvious.text(context)

    contenders = {
        "digest": (joined, MANY),
        "Jinja, then css-inline": (by_css_inline, SOME),
        "Jinja, then premailer": (by_premailer, FEW),
    }
    taken = rounds.interleaved(
        {name: run for name, (run, _) in contenders.items()}, rounds=given.rounds
    )
    ours = taken["digest"]
    print(f"{'':26}{'µs a mail':>12}{'mails/s':>10}{'ratio':>8}")
    for name, times in taken.items():
        count = contenders[name][1]
        ratio = rounds.work_ratio(ours, times) * MANY / count
        print(f"{name:26}{times.work / count * 1e6:12,.0f}{count / times.work:10,.0f}{ratio:8.1f}")
    print("to reach: css-inline 10, premailer 100")


if __name__ == "__main__":
    main()
