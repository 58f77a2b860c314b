"""Mail that comes in: what people ask by mail, bounces and complaints.

`reading` makes a mail of any quality readable, `guard` says what is never answered, `proving`
who wrote, `commands` what is asked; `acting` and `answering` do it, `bounces` deals with what
came back, and `handling` ties these together. `lmtp` and `imap` are the doors the mail comes in
by. This room is the one door to aiosmtpd, imap-tools and flufl.bounce.
"""

from __future__ import annotations

from digest.inbound.handling import take_in
from digest.inbound.reading import read
from digest.inbound.values import Incoming, Policy, Reply

__all__ = ["Incoming", "Policy", "Reply", "read", "take_in"]
