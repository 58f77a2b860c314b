"""`digest subscribers import` beside `sqlite-utils insert` of the same CSV, both as processes.

    python benchmarks/importing.py [--people 1000000] [--rounds 5]

Ours checks every cell, refuses bad and suppressed addresses, and writes a row for each interest;
`sqlite-utils` keeps the cells as they are. CPU is that of the process, all threads.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
TOPICS = ("cs.LG", "cs.CL", "cs.CV", "cs.IR", "cs.AI", "stat.ML", "math.OC", "quant-ph")
KEYWORDS = tuple(f"{a} {b}" for a in ("sparse", "causal", "neural") for b in ("search", "flow"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What one process took: seconds on the wall and of the processor, megabytes at most."""

    wall: float
    cpu: float
    memory: float


def invent(path: Path, people: int) -> None:
    """A table of subscribers: one to three topics, up to two keywords, a schedule for half."""
    chance = random.Random(13)
    with path.open("w", newline="") as target:
        table = csv.writer(target)
        table.writerow(["email", "topics", "keywords", "at", "tz", "cadence", "limit"])
        for number in range(people):
            own = number % 2
            table.writerow(
                [
                    f"{chance.choice('abcdefgh')}.reader{number}@mail{number % 397}.example.org",
                    "; ".join(chance.sample(TOPICS, chance.randint(1, 3))),
                    "; ".join(chance.sample(KEYWORDS, chance.randint(0, 2))),
                    f"{chance.randint(5, 22)}:00" if own else "",
                    chance.choice(("Europe/Berlin", "America/New_York")) if own else "",
                    chance.choice(("daily", "weekdays", "monday")) if own else "",
                    chance.randint(3, 20) if own else "",
                ]
            )


def ran(command: list[str], folder: Path) -> Ran:
    """Run a process in an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed")
    return Ran(
        wall=time.perf_counter() - started,
        cpu=usage.ru_utime + usage.ru_stime,
        memory=usage.ru_maxrss / 1000,
    )


def rows(path: Path, table: str) -> int:
    """How many rows a table has."""
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    finally:
        connection.close()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--people", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        table, folder = Path(name) / "people.csv", Path(name) / "run"
        invent(table, given.people)
        ours = [sys.executable, "-m", "digest", "--db", "digest.db", "subscribers", "import"]
        theirs = [sys.executable, "-m", "sqlite_utils", "insert", "theirs.db", "people"]
        taken: dict[str, list[Ran]] = {"digest": [], "sqlite-utils": []}
        for _ in range(given.rounds):
            taken["digest"].append(ran([*ours, str(table), "--confirmed"], folder))
            assert rows(folder / "digest.db", "subscribers") == given.people
            interests = rows(folder / "digest.db", "interests")
            taken["sqlite-utils"].append(ran([*theirs, str(table), "--csv"], folder))
            assert rows(folder / "theirs.db", "people") == given.people
    print(f"{given.people:,} people, {interests:,} interests, {given.rounds} rounds, medians")
    print(f"{'':14}{'seconds':>9}{'CPU s':>9}{'people/s':>10}{'MB':>6}")
    for name, all_ran in taken.items():
        wall, cpu = median(r.wall for r in all_ran), median(r.cpu for r in all_ran)
        most = max(r.memory for r in all_ran)
        print(f"{name:14}{wall:9.1f}{cpu:9.1f}{given.people / wall:10,.0f}{most:6.0f}")
    pairs = list(zip(taken["digest"], taken["sqlite-utils"], strict=True))
    wall = median(b.wall / a.wall for a, b in pairs)
    cpu = median(b.cpu / a.cpu for a, b in pairs)
    print(f"digest is {wall:.2f} times as fast; {cpu:.2f} times by CPU (to reach: 1)")


if __name__ == "__main__":
    main()
