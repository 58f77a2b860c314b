"""A dataset that is made up: a library of bread and stars, two days, four people."""

import gzip
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from digest.ranking.cores import one_core

THEMES = {
    "bread": ("sourdough crust", "yeast oven", "rye flour", "kneading dough"),
    "stars": ("galaxy spectrum", "orbit telescope", "dust nebula", "pulsar timing"),
}
FILLER = ("slowly", "measured", "winter", "northern", "careful", "second", "plain")


def paper(theme: str, number: int, name: str = "toy") -> dict[str, object]:
    words = THEMES[theme]
    some = [words[number % 4], words[(number + 1) % 4], FILLER[number % 7], FILLER[number % 5]]
    return {
        "id": f"{name}-{theme}-{number}",
        "title": f"On {words[number % 4]}",
        "abstract": " ".join(some),
        "authors": ["Ada Example"],
        "categories": ["x.Y"],
        "date": "2026-06-10",
    }


@dataclass
class Folder:
    """A dataset's folder, file by file, so that a test may spoil or leave out what it wants."""

    path: Path
    files: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    packed: bool = False

    def written(self) -> Path:
        self.path.mkdir(exist_ok=True)
        for name, rows in self.files.items():
            text = "".join(f"{json.dumps(each)}\n" for each in rows)
            self.put(name, text)
        return self.path

    def put(self, name: str, text: str) -> Path:
        place = self.path / name
        if self.packed:
            place = place.with_name(f"{name}.gz")
            place.write_bytes(gzip.compress(text.encode()))
        else:
            place.write_text(text, encoding="utf-8")
        return place


def days(name: str) -> dict[str, list[str]]:
    return {
        f"{name}-d{day}": [
            paper(theme, number, name)["id"]
            for theme in THEMES
            for number in range(10 * day, 10 * day + 6)
        ]
        for day in (1, 2)
    }


def add_set(folder: Folder, name: str) -> None:
    """Thirty papers a set, of which two days of twelve are asked about."""
    numbers = (*range(5), *range(10, 16), *range(20, 26))
    folder.files[f"{name}_papers.jsonl"] = [
        paper(theme, number, name) for theme in THEMES for number in numbers
    ]
    folder.files["candidates.json"][0].update(days(name))
    for person, theme in enumerate(("bread", "stars", "bread", "stars")):
        likes = [f"{name}-{theme}-{number}" for number in range(4)]
        held = {
            "full": (likes, []),
            "k1": (likes[:1], []),
            "kw": ([], [THEMES[theme][0]]),
            "k1kw": (likes[:1], [THEMES[theme][0]]),
        }
        for variant, (liked, words) in held.items():
            profile = f"{name}-{person}-{variant}"
            folder.files["profiles.jsonl"].append(
                {"profile": profile, "likes": liked, "keywords": words}
            )
            for day, ids in days(name).items():
                task = f"{profile}-{day}"
                folder.files["tasks.jsonl"].append({"task": task, "profile": profile, "day": day})
                folder.files["truth.jsonl"].append(
                    {
                        "task": task,
                        "set": name,
                        "variant": variant,
                        "user": person,
                        "cluster": f"list {person % 3}",
                        "n_likes": len(liked),
                        "relevant": [each for each in ids if theme in each][:3],
                    }
                )


@pytest.fixture(scope="session", autouse=True)
def on_one_core():
    """As rankings are composed; threads for these small matrices only wait for each other."""
    with one_core():
        yield


@pytest.fixture
def folder(tmp_path):
    """The dataset `toy`, not yet written: call `folder.written()`."""
    made = Folder(tmp_path / "toys", packed=False)
    made.files = {
        "candidates.json": [{}],
        "profiles.jsonl": [],
        "tasks.jsonl": [],
        "truth.jsonl": [],
    }
    add_set(made, "toy")
    return made


@pytest.fixture
def two_sets(folder):
    """The same with a second set, `zoo`, next to it."""
    add_set(folder, "zoo")
    return folder


@contextmanager
def quietly(_what, _total):
    yield lambda _done: None


@pytest.fixture
def no_progress():
    return quietly
