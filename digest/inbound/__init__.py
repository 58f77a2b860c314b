"""Mail that comes in: commands, bounces and complaints.

`lmtp` and `imap` receive a mail, and `handling` takes it in: `reading` parses it, `guard` says
whether it may be answered, `proving` who wrote it, and `commands` what it asks for. `acting`,
`profile` and `answering` carry that out; `bounces` records bounces and complaints. Only this package
uses aiosmtpd, imap-tools and flufl.bounce.
"""

from __future__ import annotations

from digest.inbound.handling import take_in
from digest.inbound.reading import read
from digest.inbound.values import Incoming, Policy, Reply

__all__ = ["Incoming", "Policy", "Reply", "read", "take_in"]
