"""Reads what readers answered to the picks of their digests."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, islice
from typing import TYPE_CHECKING

from digest.model import Digest, Feedback, FeedbackKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from digest.ports import Store

REWARDS: Mapping[FeedbackKind, int] = {
    FeedbackKind.MORE: 1,
    FeedbackKind.SAVE: 1,
    FeedbackKind.UPVOTE: 1,
    FeedbackKind.LESS: -1,
}
"""The reward of each answer; "known already" has none, as it does not say if the pick was wanted."""

FEWEST_PEOPLE = 10
"""With fewer people, digests are counted and resampled instead; the result holds for them alone."""

BLOCK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A digest and its reader's last answer to each pick: 1 for wanted, -1 for unwanted."""

    digest: Digest
    said: Mapping[str, int]

    @property
    def wanted(self) -> list[str]:
        """The ids of the picks that were wanted."""
        return [paper for paper, reward in self.said.items() if reward > 0]

    @property
    def unwanted(self) -> list[str]:
        """The ids of the picks that were not wanted."""
        return [paper for paper, reward in self.said.items() if reward < 0]


def answered(store: Store, first: str) -> Iterator[list[Answered]]:
    """The answered digests of editions since `first` (ISO date), in blocks, in constant memory."""
    said = store.feedback.answers(first, kinds=list(REWARDS))
    digests = (
        (f"{subscriber_id}.{edition}", _said(answers))
        for (edition, subscriber_id), answers in groupby(
            said, key=lambda each: (each.edition, each.subscriber_id)
        )
    )
    while block := dict(islice(digests, BLOCK)):
        found = store.ledger.digests(block)
        whole = [
            Answered(digest=found[each], said=_of_picks(said, found[each]))
            for each, said in block.items()
            if each in found
        ]
        yield [each for each in whole if each.said]


def shown(store: Store, first: str) -> set[str]:
    """The ids of the picks in answered digests of editions since `first`."""
    return {
        pick.paper_id
        for block in answered(store, first)
        for each in block
        for pick in each.digest.picks
    }


def _said(answers: Iterable[Feedback]) -> dict[str, int]:
    """The last answer to each paper."""
    return {each.paper_id: REWARDS[each.kind] for each in answers}


def _of_picks(said: Mapping[str, int], digest: Digest) -> dict[str, int]:
    shown = {pick.paper_id for pick in digest.picks}
    return {paper: reward for paper, reward in said.items() if paper in shown}
