"""The worker: does what is due in ticks, and the nightly work once a night.

APScheduler is only the clock. What is due stands in rows (a source's next poll, a subscriber's next
digest, the last night that was tidied). So a restart loses nothing, a missed hour is made up, the
autumn clock change sends nothing twice, and two workers on one database do no harm.
"""

from __future__ import annotations

from digest.worker.clockwork import Door, tick, ticks, work
from digest.worker.nights import nightly

__all__ = ["Door", "nightly", "tick", "ticks", "work"]
