"""How fast mail may go, learned from the mail server's answers: pure functions of `Pace` and `now`.

A flow is a token bucket whose rate follows from what was accepted and refused. Before the first
refusal the rate doubles with every second's worth of accepted messages, like TCP's slow start. When
the server asks for a slower pace, the rate halves, rests, and grows back along a curve like TCP
CUBIC's (RFC 9438 §4.2; of the fifth degree, for a flatter middle): quickly to just below the pace
that was too much, slowly past it, then quickly again. So it stays near a fixed limit, and finds one
that was raised. Time is counted in accepted messages, not by the clock: a night without mail
teaches nothing.

Some messages are deferred for reasons that no pace cures, sometimes half of them. So a share of
less than 2 % changes nothing, nor does one that stayed the same at half the pace. But a server that
stops taking anything, as by 421 on a new connection, slows us whatever the share: messages that it
was never offered were not refused.

The server as a whole has a flow. A domain has one only while the server slows down mail to it by
name, in answers to RCPT. Caps are counted separately: see `capping`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from digest.delivery import capping
from digest.delivery.policy import enhanced_code
from digest.model import Caps, Flow, Grant, Outcome, Pace, Receipt, Room

TRANSIENT = 4  # the first digit of a refusal for now (RFC 5321, section 4.2.1)
_GREYLISTED = re.compile(r"gr[ae]y[ -]?list", re.IGNORECASE)

# Messages a second: what a server begins with, the least it gets, and from where on it is free.
START, OWN_START = 2.0, 512.0
FLOOR, DOMAIN_FLOOR = 0.5, 0.1
FREE = 10_000.0

RECOVERY = 30.0  # seconds' worth of messages until the pace is again what was too much
FORGOTTEN = 3 * RECOVERY  # a domain at five times its old limit is slowed down no more
BURST = 0.25  # seconds' worth of messages that may gather
DOMAIN_BURST = 1.0  # more, since what is held back comes again by the second
FIRST_REST, LONGEST_REST = timedelta(seconds=1), timedelta(minutes=1)
LONG_REST = timedelta(seconds=15)  # what takes nothing for so long does not just hesitate
LONGEST_HOLD = timedelta(minutes=10)
MOST_DOMAINS = 500
MEMORY = 1000.0  # messages by which the share of the refused is judged
PRIOR = 100.0  # as many accepted ones are taken for granted, so that one refusal says little
SPARSE, FULL = 0.02, 0.75  # shares of the refused that say nothing, and everything
FEW, ENOUGH = 5, 50  # messages refused, and in all, that say something
SEVERAL_DOMAINS = 3
SKEW = timedelta(seconds=5)
SOON = timedelta(milliseconds=1)


def begin(now: datetime, *, own: bool) -> Pace:
    """What is assumed of a mail server before the first message; `own` is one on this machine."""
    start = OWN_START if own else START
    return Pace(server=Flow(start=start, floor=FLOOR, tokens=max(1.0, start * BURST), at=now))


def rate(flow: Flow) -> float:
    """Messages a second; infinite if nothing has held mail back."""
    if flow.ceiling:
        off = (flow.age - RECOVERY) / RECOVERY
        found = flow.ceiling * (1 + off**5 / 2)
    else:
        found = flow.start * 2 ** min(flow.age, 64.0)
    return math.inf if found >= FREE else max(found, flow.floor)


def present(flow: Flow, now: datetime) -> float:
    """Messages a second at present: one a rest, while none is accepted and rests have grown long.

    A rest that is over for as long again says nothing any more: nobody has asked since.
    """
    rest = _last_rest(flow)
    if rest and flow.closed_until and rest >= LONG_REST and now < flow.closed_until + rest:
        return 1 / rest.total_seconds()
    return rate(flow)


def is_free(pace: Pace, caps: Caps) -> bool:
    """Whether nothing holds mail back, so that nobody need ask."""
    return math.isinf(rate(pace.server)) and not pace.domains and caps == Caps()


def room(pace: Pace, caps: Caps, now: datetime, most: int) -> Room:
    """How many of `most` messages may go now, whatever their domains, in groups worth a claim."""
    pace = _steady(pace, now)
    flow = _filled(pace.server, caps, now)
    free, again = capping.left(pace.used, caps, now)
    count = min(most, free, _whole(flow.tokens))
    if not free:
        return Room(count=0, again=max(again, now + SOON))
    enough = min(most, free, math.ceil(_capacity(flow, caps) / 2))
    if _is_closed(flow, now) or count < enough:
        return Room(count=0, again=max(_when(flow, caps, enough, now), now + SOON))
    return Room(count=count)


def take(pace: Pace, caps: Caps, wanted: Mapping[str, int], now: datetime) -> tuple[Pace, Grant]:
    """Let as many messages as allowed go to each domain; the others get times to come again.

    What goes is taken off the buckets and counted against the caps at once.
    """
    if is_free(pace, caps):
        return pace, Grant(at=now, allowed=dict(wanted))
    pace = _steady(pace, now)
    server = _filled(pace.server, caps, now)
    free, again = capping.left(pace.used, caps, now)
    left = 0 if _is_closed(server, now) else min(free, _whole(server.tokens))
    domains = dict(pace.domains)
    allowed: dict[str, int] = {}
    held: dict[str, tuple[datetime, ...]] = {}
    for domain, count in wanted.items():
        flow = domains.get(domain)
        if flow is None:
            here = min(count, left)
        else:
            flow = _filled(flow, Caps(), now, burst=DOMAIN_BURST)
            here = 0 if _is_closed(flow, now) else min(count, left, _whole(flow.tokens))
            flow = replace(flow, tokens=flow.tokens - here)
            flow, held[domain] = _queue(flow, count - here, now)
            domains[domain] = flow
        if here < count and flow is None:
            begin_at = again if not free else _when(server, caps, left + 1, now)
            held[domain] = _spread(begin_at, _pace_of(server, caps), count - here, now)
        allowed[domain] = here
        left -= here
    gone = sum(allowed.values())
    server = replace(server, tokens=server.tokens - gone)
    used = capping.counted(pace.used, caps, now, gone)
    held = {domain: times for domain, times in held.items() if times}
    return (
        Pace(server=server, domains=domains, used=used),
        Grant(at=now, allowed=allowed, held=held),
    )


def learn(
    pace: Pace,
    caps: Caps,
    grant: Grant,
    receipts: Iterable[tuple[str, Receipt]],
    now: datetime,
) -> Pace:
    """Take in what came of a grant, by domain: grow by what was accepted, halve where slowed down.

    Halves once for each grant and destination, and not for grants from before the last halving,
    which say nothing new. From now on the caps count each message when its receipt says that it
    went, and no longer count what was certainly not taken. Returns the same object if there is
    nothing to learn.
    """
    receipts = list(receipts)
    tried = [(domain, each) for domain, each in receipts if not each.untried]
    slowed = Counter(domain for domain, each in tried if is_slow_down(each.code, each.reply))
    if is_free(pace, caps) and not slowed:
        return pace
    before, pace = pace, _steady(pace, now)
    taken = Counter(domain for domain, each in receipts if each.outcome is Outcome.ACCEPTED)
    seconds = max((now - grant.at).total_seconds(), 0.05)
    named = _named(tried, slowed)
    server = _counting(pace.server, grant, taken.total(), 0 if named else slowed.total())
    domains = {
        domain: counted
        for domain, flow in pace.domains.items()
        if (counted := _counting(flow, grant, taken[domain], slowed[domain] if named else 0)).age
        < FORGOTTEN
    }
    if slowed and not named:
        shut = any(each.untried and is_slow_down(each.code, each.reply) for _, each in receipts)
        server = _halved(server, grant, now, measured=len(tried) / seconds, shut=shut)
    for domain in named:
        asked = sum(each == domain for each, _ in tried)
        if domain not in domains and len(domains) < MOST_DOMAINS:
            measured = min(asked / seconds, rate(server))
            new = Flow(start=measured, floor=DOMAIN_FLOOR, at=grant.at)
            domains[domain] = _counting(new, grant, taken[domain], slowed[domain])
        if domain in domains:
            domains[domain] = _halved(domains[domain], grant, now, measured=asked / seconds)
    counted_at = grant.at if pace is before else min(grant.at, now)
    went = [min(max(each.at, grant.at), now) for _, each in receipts if not _was_not_taken(each)]
    used = capping.moved(pace.used, caps, counted_at, len(receipts), went)
    return Pace(server=server, domains=domains, used=used)


def count(pace: Pace, caps: Caps, messages: int, now: datetime) -> Pace:
    """Count messages that went without asking, as letters do."""
    return replace(pace, used=capping.counted(_steady(pace, now).used, caps, now, messages))


def is_slow_down(code: int, reply: str) -> bool:
    """Whether an answer asks for a slower pace: 421, 450, 451, 452, 454, or any 4xx with 4.7.x.

    Not if it is about one mailbox or address (4.1.x, 4.2.x, RFC 3463), nor greylisting, which is a
    matter of time and not of pace. 454 is how Amazon SES says "Maximum sending rate exceeded".
    """
    if (code and code // 100 != TRANSIENT) or _GREYLISTED.search(reply):
        return False
    enhanced = enhanced_code(code, reply)
    if code in (421, 454) or enhanced.startswith("4.7."):
        return True
    return code in (450, 451, 452) and not enhanced.startswith(("4.1.", "4.2."))


def _named(receipts: list[tuple[str, Receipt]], slowed: Counter[str]) -> list[str]:
    """The domains that the server slows down by name; none if it slows down all our mail.

    It names a domain by refusing its recipients, and only those.
    """
    about_all = any(
        each.code in (421, 454) or not each.reply.startswith("RCPT: ")
        for _, each in receipts
        if is_slow_down(each.code, each.reply)
    )
    if about_all or (len(slowed) >= SEVERAL_DOMAINS and slowed.total() * 2 > len(receipts)):
        return []
    return list(slowed)


def _was_not_taken(receipt: Receipt) -> bool:
    """Whether the server certainly lacks the message; not if a connection broke after DATA."""
    return receipt.outcome is not Outcome.ACCEPTED and (receipt.code > 0 or not receipt.unknown)


def _counting(flow: Flow, grant: Grant, taken: int, refused: int) -> Flow:
    """Count what came of a grant, and grow by what was accepted."""
    asleep = flow.cut_at and not flow.age and not taken
    if not _is_news(flow, grant) or not taken + refused or asleep:
        return flow
    age = flow.age if math.isinf(rate(flow)) else flow.age + taken / rate(flow)
    all_taken, all_refused = flow.taken + taken, flow.refused + refused
    kept = min(1.0, MEMORY / (all_taken + all_refused))
    flow = replace(flow, age=age, taken=all_taken * kept, refused=all_refused * kept)
    is_enough = flow.taken + flow.refused >= ENOUGH or flow.age >= RECOVERY / 3
    return _judged(flow) if flow.share and is_enough else flow


def _judged(flow: Flow) -> Flow:
    """The flow, once enough messages have gone to say whether going slower helped.

    At half the pace, a server with a limit refuses none, or clearly fewer: one in two where it was
    three in four. If it refuses the same share as before, it has other reasons.
    """
    share = flow.refused / (flow.taken + flow.refused)
    helped = flow.share > FULL or share < max(SPARSE, 0.8 * flow.share)
    tolerated = 0.0 if helped else min(1.25 * share, 1.0)
    return replace(flow, share=0.0, tolerated=tolerated, taken=0.0, refused=0.0)


def _halved(
    flow: Flow, grant: Grant, now: datetime, *, measured: float, shut: bool = False
) -> Flow:
    """Half the pace and a rest; while nothing is accepted, the same pace and longer rests.

    `shut` says that the server took nothing more, so that the share of the refused tells nothing.
    """
    if not _is_news(flow, grant):
        return flow
    rest = FIRST_REST
    before = _last_rest(flow)
    if before is not None:
        rest = min(max(2 * before, FIRST_REST), LONGEST_REST)
    elif shut or _is_too_fast(flow):
        pace = rate(flow)
        ceiling = min(pace if math.isfinite(pace) else max(measured, flow.start), FREE / 2)
        share = flow.refused / (flow.taken + flow.refused)
        flow = replace(
            flow,
            ceiling=max(ceiling, flow.floor),
            age=0.0,
            taken=0.0,
            refused=0.0,
            share=share,
        )
    else:
        return flow
    return replace(flow, tokens=0.0, at=now, cut_at=now, closed_until=now + rest)


def _last_rest(flow: Flow) -> timedelta | None:
    """How long the last rest was; None if something was accepted since."""
    if flow.cut_at and flow.closed_until and not flow.age:
        return flow.closed_until - flow.cut_at
    return None


def _is_too_fast(flow: Flow) -> bool:
    """Whether the share of the refused says that the pace is too high."""
    if not flow.taken:
        return flow.refused > 0
    if flow.share:  # it is too early to say whether slower helps, unless it is quite clear
        return flow.refused >= FEW and flow.refused > FULL * (flow.taken + flow.refused)
    share = flow.refused / (flow.taken + flow.refused + PRIOR)
    return share >= max(SPARSE, flow.tolerated)


def _is_news(flow: Flow, grant: Grant) -> bool:
    return flow.cut_at is None or grant.at > flow.cut_at


def _is_closed(flow: Flow, now: datetime) -> bool:
    return flow.closed_until is not None and now < flow.closed_until


def _pace_of(flow: Flow, caps: Caps) -> float:
    found = rate(flow)
    return min(found, float(caps.per_second)) if caps.per_second else found


def _capacity(flow: Flow, caps: Caps, burst: float = BURST) -> float:
    if flow.cut_at and not flow.age:
        return 1.0  # whether it takes mail again, one message will tell
    return min(max(1.0, _pace_of(flow, caps) * burst), FREE)


def _filled(flow: Flow, caps: Caps, now: datetime, *, burst: float = BURST) -> Flow:
    """The flow with the tokens gathered since; none are gathered during a rest."""
    since = max(flow.at, flow.closed_until or flow.at)
    waited = max((now - since).total_seconds(), 0.0)
    tokens = _capacity(flow, caps, burst)
    if math.isfinite(_pace_of(flow, caps)):
        tokens = min(tokens, flow.tokens + waited * _pace_of(flow, caps))
    return replace(flow, tokens=tokens, at=max(now, flow.at))


def _when(flow: Flow, caps: Caps, tokens: int, now: datetime) -> datetime:
    """When a filled flow will have that many tokens."""
    begin_at = max(now, flow.closed_until or now)
    missing = max(tokens - flow.tokens, 0.0)
    return begin_at + timedelta(seconds=missing / _pace_of(flow, caps))


def _whole(tokens: float) -> int:
    """Whole tokens, allowing for rounding errors of float sums."""
    return int(tokens + 1e-6)


def _queue(flow: Flow, count: int, now: datetime) -> tuple[Flow, tuple[datetime, ...]]:
    """Times for what a domain must hold back, after what it holds back already.

    They are twice as dense as the present pace: it grows most after a halving, and whoever comes
    too early is only held back once more.
    """
    if not count:
        return flow, ()
    first = max(_when(flow, Caps(), 1, now), flow.line or now)
    times = _spread(first, 2 * rate(flow), count, now)
    return replace(flow, line=times[-1]), times


def _spread(first: datetime, pace: float, count: int, now: datetime) -> tuple[datetime, ...]:
    """So many times at a pace, from `first` on, none so late that a better pace would be missed."""
    last = now + LONGEST_HOLD
    return tuple(min(first + timedelta(seconds=n / pace), last) for n in range(count))


def _steady(pace: Pace, now: datetime) -> Pace:
    """Bring times in the future back, as after a clock that jumped: mail must not wait for them."""
    flows = (pace.server, *pace.domains.values())
    times = (t for each in flows for t in (each.at, each.cut_at) if t is not None)
    if not any(t > now + SKEW for t in times) and not capping.is_ahead(pace.used, now + SKEW):
        return pace
    return Pace(
        server=_brought_back(pace.server, now),
        domains={domain: _brought_back(each, now) for domain, each in pace.domains.items()},
        used=capping.brought_back(pace.used, now),
    )


def _brought_back(flow: Flow, now: datetime) -> Flow:
    if max(flow.at, flow.cut_at or flow.at) <= now + SKEW:
        return flow
    return replace(flow, at=now, cut_at=now, closed_until=now, line=None, tokens=0.0)
