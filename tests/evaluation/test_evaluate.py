"""`digest evaluate DATASET`, as people type it in an empty folder."""

import gzip
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from digest.cli import main

SCORE = "ranking/score.py"


@dataclass
class Ran:
    code: int
    out: str
    err: str


@pytest.fixture
def evaluate(tmp_path, monkeypatch, capsys):
    """`evaluate("--people", "1")` on the made-up dataset, in a folder that holds nothing else."""
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)

    def run(*words):
        with pytest.raises(SystemExit) as stop:
            main(["evaluate", *map(str, words)])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Ran(stop.value.code or 0, captured.out, captured.err)

    return run


def lines(path):
    read = gzip.open if path.suffix == ".gz" else open
    with read(path, "rt") as text:
        return [json.loads(each) for each in text]


def test_it_prints_a_table_and_needs_no_database_or_settings(evaluate, folder):
    ran = evaluate(folder.written(), "--ranker", "rocchio", "--ranker", "digest")

    assert ran.code == 0
    assert "toy · k1 · 1 like · 4 people in 3 clusters" in ran.out
    assert "digest leads by" in ran.out, "ours comes first"
    assert list(Path().iterdir()) == []


def test_picture_and_numbers_go_to_files(evaluate, folder):
    ran = evaluate(
        folder.written(), "--ranker", "knn", "--picture", "a/p.svg", "--json", "a/n.json"
    )

    assert ran.code == 0
    assert Path("a/p.svg").read_text().startswith("<svg")
    assert json.loads(Path("a/n.json").read_text())["results"][0]["ranker"] == "knn"


@pytest.mark.parametrize("name", ["run.jsonl", "run.jsonl.gz"])
def test_rankings_are_written_without_answers(evaluate, folder, name):
    del folder.files["truth.jsonl"]

    ran = evaluate(folder.written(), "--ranker", "rocchio", "--out", name)

    assert ran.code == 0
    assert ran.out == f"Wrote 32 rankings by rocchio to {name}\n"
    rankings = lines(Path(name))
    assert len(rankings) == 32
    assert set(rankings[0]) == {"task", "ranking"}
    assert len(set(rankings[0]["ranking"])) == 12
    assert [each.name for each in Path().iterdir()] == [name]


def test_two_files_of_one_name_are_told_apart(evaluate, folder):
    path = folder.written()
    for ranker in ("rocchio", "random"):
        assert evaluate(path, "--ranker", ranker, "--out", f"{ranker}/run.jsonl").code == 0
    files = [word for name in ("rocchio", "random") for word in ("--ranker", f"{name}/run.jsonl")]

    assert evaluate(path, "--ranker", "rocchio", *files, "--json", "all.json").code == 0

    rows = json.loads(Path("all.json").read_text())["results"]
    mean = {each["ranker"]: each["nDCG@10"]["mean"] for each in rows if each["variant"] == "full"}
    assert list(mean) == ["rocchio", "rocchio/run.jsonl", "random/run.jsonl"]
    assert mean["rocchio/run.jsonl"] == mean["rocchio"] > mean["random/run.jsonl"]


def test_somebodys_own_class_takes_part(evaluate, folder, tmp_path, monkeypatch):
    (tmp_path / "own_ranker.py").write_text(
        "import numpy as np\n"
        "class Alphabet:\n"
        "    name = 'alphabet'\n"
        "    about = 'by id'\n"
        "    def learn(self, background, everything, libraries): pass\n"
        "    def scores(self, block, candidates):\n"
        "        order = np.argsort(np.argsort([p.id for p in candidates.papers]))\n"
        "        return np.tile(-order, (len(block), 1))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    path = folder.written()

    ran = evaluate(path, "--ranker", "own_ranker:Alphabet", "--out", "run.jsonl")

    assert ran.code == 0
    assert "alphabet  by id" in ran.out
    ranking = lines(Path("run.jsonl"))[0]["ranking"]
    assert ranking == sorted(ranking)


FAILS = "(self, *_, **__): raise KeyError('bread')"


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (f"def __init__{FAILS}", "KeyError: 'bread'"),
        (f"def learn{FAILS}", "KeyError: 'bread'"),
        (f"def scores{FAILS}", "KeyError: 'bread'"),
        (f"def prepared{FAILS}", "KeyError: 'bread'"),
        ("name = property(lambda _: {}['bread'])", "KeyError: 'bread'"),
        (f"scores = lambda self, *_: self\n    def __array__{FAILS}", "KeyError: 'bread'"),
        ("scores = lambda *_: [[1], [1, 2]]", "ValueError: "),
    ],
)
def test_an_error_in_somebodys_own_class_is_called_theirs(
    evaluate, folder, tmp_path, monkeypatch, wrong, why
):
    (tmp_path / "their_ranker.py").write_text(
        "class Broken:\n"
        "    def learn(self, *_): pass\n"
        "    def scores(self, *_): pass\n"
        f"    {wrong}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "their_ranker", raising=False)

    ran = evaluate(folder.written(), "--ranker", "their_ranker:Broken")

    assert ran.code == 2
    assert f"The ranker their_ranker:Broken failed ({why}" in ran.err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--ranker", "magic"], "There is no ranker 'magic'"),
        (["--set", "moo"], "no set 'moo'; it has toy"),
        (["--variant", "k9"], "no variant 'k9'"),
        (["--truth", "none.jsonl"], "none.jsonl cannot be read"),
        (["--ranker", "knn", "--ranker", "lsa", "--out", "x.jsonl"], "--out needs one ranker"),
        (["--ranker", "none.jsonl"], "none.jsonl cannot be read"),
        (["--people", "0"], "--people"),
    ],
)
def test_a_wrong_request_is_one_clear_sentence(evaluate, folder, words, why):
    ran = evaluate(folder.written(), *words)
    assert ran.code == 2
    assert why in ran.err
    assert ran.err.count("\n") == 1


def test_without_answers_there_is_nothing_to_show(evaluate, folder):
    del folder.files["truth.jsonl"]
    ran = evaluate(folder.written())
    assert ran.code == 2
    assert "has no answers" in ran.err
    assert "--truth FILE" in ran.err


def test_a_broken_line_names_file_and_line(evaluate, folder):
    path = folder.written()
    with (path / "toy_papers.jsonl").open("a") as file:
        file.write('{"id": "x", "title": \n')
    ran = evaluate(path, "--ranker", "knn")
    assert ran.code == 2
    assert "toy_papers.jsonl, line 35: this is not JSON" in ran.err


def test_no_unfinished_file_of_rankings_is_left(evaluate, folder, monkeypatch):
    (Path.cwd() / "broken_ranker.py").write_text(
        "class Broken:\n"
        "    def learn(self, background, everything, libraries): pass\n"
        "    def scores(self, block, candidates): return [[0]]\n"
    )
    monkeypatch.syspath_prepend(Path.cwd())
    ran = evaluate(folder.written(), "--ranker", "broken_ranker:Broken", "--out", "run.jsonl")
    assert ran.code == 2
    assert "gave scores of type int64 of shape (1, 1)" in ran.err
    assert [each.name for each in Path().glob("*run*")] == []


@pytest.mark.slow
@pytest.mark.parametrize("ranker", ["rocchio", "random"])
def test_numbers_are_those_of_the_datasets_own_script(evaluate, recordings, ranker):
    """On real data, with the script that came with it."""
    data = recordings / "ranking" / "dev"
    if not data.is_dir():
        pytest.skip("no ranking dataset among the recordings")
    words = ("--people", 25, "--ranker", ranker, "--out", "run.jsonl.gz", "--json", "ours.json")
    assert evaluate(data, *words).code == 0
    tasks = {each["task"] for each in lines(Path("run.jsonl.gz"))}
    with gzip.open(recordings / "ranking" / "dev-truth.jsonl.gz", "rt") as every:
        answers = [each for each in every if json.loads(each)["task"] in tasks]
    Path("truth.jsonl").write_text("".join(answers))

    files = ("--truth", "truth.jsonl", "--run", "run.jsonl.gz", "--json", "theirs.json")
    command = [sys.executable, recordings / SCORE, *files]
    subprocess.run(command, check=True, capture_output=True)

    theirs = json.loads(Path("theirs.json").read_text())
    ours = [each for each in json.loads(Path("ours.json").read_text())["results"] if each["whole"]]
    assert len(ours) == len(theirs) == 18
    for row in ours:
        expected = theirs[f"{row['set']}/{row['variant']}"]
        assert (row["people"], expected["missing"]) == (expected["users"], 0)
        for measure in ("nDCG@10", "nDCG@20", "R@20", "R@50", "R@100", "MRR"):
            assert row[measure]["mean"] == pytest.approx(expected[measure], abs=1e-9)
        interval = [row["nDCG@10"]["low"], row["nDCG@10"]["high"]]
        assert interval == pytest.approx(expected["ci"], abs=1e-9)
