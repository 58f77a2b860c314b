"""Every ranker ranks every day for everyone, under the same rules."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from digest.errors import InvalidInput
from digest.evaluation import contestants, datasets, running
from digest.evaluation.baselines import Preparing


class Fixed:
    """Scores by a function of paper and profile; counts what it was asked."""

    name = "fixed"
    about = "a stand-in"

    def __init__(self, score=lambda _profile, _paper: 0.0):
        self.score = score
        self.blocks = []
        self.learned = []

    def learn(self, background, everything, libraries):
        self.learned.append((len(background), len(everything), len(libraries)))

    def scores(self, block, candidates):
        self.blocks.append(len(block))
        return np.array([[self.score(who, each) for each in candidates.papers] for who in block])


def ran(dataset, scorer, progress, **more):
    kept = {}
    [record] = running.run(
        dataset,
        {"fixed": lambda _corpus: scorer},
        progress=progress,
        keep=lambda task, ranking: kept.update({task.id: ranking}),
        **more,
    )
    return record, kept


def test_the_best_comes_first_and_is_measured(folder, no_progress):
    dataset = datasets.read(folder.written()).chosen(variants=["full"])
    bread = Fixed(lambda _who, paper: float("bread" in paper.id) - int(paper.id[-1]) / 10)

    record, kept = ran(dataset, bread, no_progress)

    assert kept["toy-0-full-toy-d1"][:3] == [f"toy-bread-{number}" for number in (10, 11, 12)]
    assert record.values["toy-0-full-toy-d1"][0] == pytest.approx(1)
    assert record.values["toy-1-full-toy-d1"][0] < 0.5
    assert record.seconds["toy"] >= 0
    assert bread.learned == [(10, 34, 0)]


def test_every_candidate_is_ranked_once_and_no_more_than_200(folder, no_progress):
    folder.files["candidates.json"][0]["toy-d1"] += [f"unknown-{at}" for at in range(300)]
    dataset = datasets.read(folder.written()).chosen(variants=["full"])

    _, kept = ran(dataset, Fixed(), no_progress)

    assert sorted(kept["toy-0-full-toy-d2"]) == sorted(dataset.days["toy-d2"])
    assert len(kept["toy-0-full-toy-d1"]) == len(set(kept["toy-0-full-toy-d1"])) == 200


def test_a_day_without_papers_is_a_ranking_without_papers(folder, no_progress):
    folder.files["candidates.json"][0]["toy-d1"] = []
    dataset = datasets.read(folder.written()).chosen(variants=["full"])

    record, kept = ran(dataset, Fixed(), no_progress)

    assert kept["toy-0-full-toy-d1"] == []
    assert not record.values["toy-0-full-toy-d1"].any()


def test_ties_do_not_follow_the_order_of_the_file(folder, no_progress):
    dataset = datasets.read(folder.written())
    _, one = ran(dataset, Fixed(), no_progress)
    for ids in folder.files["candidates.json"][0].values():
        ids.reverse()
    folder.files["toy_papers.jsonl"].reverse()

    _, other = ran(datasets.read(folder.written()), Fixed(), no_progress)

    assert one == other


def test_liked_papers_come_last(folder, no_progress):
    folder.files["candidates.json"][0]["toy-d1"].append("toy-bread-0")
    dataset = datasets.read(folder.written()).chosen(variants=["full"])

    _, kept = ran(dataset, Fixed(lambda _who, paper: paper.id == "toy-bread-0"), no_progress)

    assert kept["toy-0-full-toy-d1"][-1] == "toy-bread-0"
    assert kept["toy-1-full-toy-d1"][0] == "toy-bread-0"


def test_a_score_that_is_no_number_is_the_worst(folder, no_progress):
    dataset = datasets.read(folder.written()).chosen(variants=["full"])
    odd = Fixed(lambda _who, paper: np.nan if "bread" in paper.id else -1e30)

    _, kept = ran(dataset, odd, no_progress)

    assert all("stars" in each for each in kept["toy-0-full-toy-d1"][:6])


def test_tasks_are_scored_in_bounded_blocks(folder, no_progress, monkeypatch):
    monkeypatch.setattr(running, "BLOCK", 5)
    scorer = Fixed()

    ran(datasets.read(folder.written()), scorer, no_progress)

    assert max(scorer.blocks) == 5
    assert sum(scorer.blocks) == 32 + running.TIMES * 5  # one block is timed


def test_profiles_have_new_ids_when_a_block_is_timed(folder, no_progress):
    met = []
    dataset = datasets.read(folder.written()).chosen(variants=["k1"])

    ran(dataset, Fixed(lambda who, _paper: met.append(who.subscriber_id) or 0.0), no_progress)

    profiles = {each.profile for each in dataset.tasks}
    assert len(set(met) - profiles) == running.TIMES * len(profiles)


class Keeping(Fixed):
    """Keeps the name of everyone, and scores by what is kept alone."""

    def __init__(self, score, seconds):
        super().__init__(score)
        self.clock = 0.0
        self.takes = seconds

    def prepared(self, block, candidates):
        self.clock += self.takes["learning"]
        return replace(candidates, tastes={"toy": {e.subscriber_id: (b"kept",) for e in block}})

    def scores(self, block, candidates):
        self.clock += self.takes["scoring"]
        assert candidates.tastes["toy"].keys() == {each.subscriber_id for each in block}
        return super().scores(block, candidates)


def test_what_is_kept_is_given_to_scores_and_timed_by_itself(folder, no_progress, monkeypatch):
    dataset = datasets.read(folder.written()).chosen(variants=["full"])
    scorer = Keeping(lambda _who, paper: "bread" in paper.id, {"learning": 3.0, "scoring": 0.5})
    monkeypatch.setattr(running, "process_time", lambda: scorer.clock)

    record, kept = ran(dataset, scorer, no_progress)

    assert "bread" in kept["toy-0-full-toy-d1"][0]
    people = scorer.blocks[0]
    assert record.learning == {"toy": pytest.approx(3.0 / people)}
    assert record.seconds == {"toy": pytest.approx(0.5 / people)}


def test_a_ranker_that_keeps_nothing_has_one_cost(folder, no_progress):
    class Unprepared(Fixed):
        def prepared(self, _block, candidates):
            return candidates

    dataset = datasets.read(folder.written()).chosen(variants=["k1"])

    for scorer in (Fixed(), Unprepared()):
        record, _ = ran(dataset, scorer, no_progress)
        assert (set(record.seconds), record.learning) == ({"toy"}, {})


@pytest.mark.parametrize(
    ("made", "what"),
    [
        (
            lambda block, _: np.zeros(len(block)),
            "float64 of shape (16,); numbers of shape (16, 12) are needed",
        ),
        (
            lambda block, papers: np.full((len(block), len(papers)), "high"),
            "<U4 of shape (16, 12); numbers",
        ),
    ],
)
def test_scores_of_another_shape_or_type_are_refused(folder, no_progress, made, what):
    class Other(Fixed):
        def scores(self, block, candidates):
            return made(block, candidates.papers)

    with pytest.raises(InvalidInput, match="fixed gave scores") as refused:
        ran(datasets.read(folder.written()), Other(), no_progress)

    assert what in refused.value.message


def test_tasks_without_answers_are_ranked_and_not_measured(folder, no_progress):
    folder.files["truth.jsonl"] = folder.files["truth.jsonl"][:3]

    record, kept = ran(datasets.read(folder.written()), Fixed(), no_progress)

    assert (len(kept), len(record.values)) == (32, 3)


def test_sets_are_learned_one_after_another(two_sets, no_progress):
    two_sets.files["zoo_other_libraries.jsonl"] = [{"likes": ["zoo-bread-1"]}]
    scorer = Fixed()

    record, _ = ran(datasets.read(two_sets.written()), scorer, no_progress)

    assert scorer.learned == [(10, 34, 0), (10, 34, 1)]
    assert set(record.seconds) == {"toy", "zoo"}


class Embedder:
    """Three numbers a paper; counts the papers it was given."""

    name = "embedder:tiny"
    dimensions = 3

    def __init__(self):
        self.given = []

    def papers(self, papers):
        self.given += [each.id for each in papers]
        return np.eye(3, dtype=np.float32)[[len(each.abstract) % 3 for each in papers]]


def test_papers_and_likes_are_embedded_once(folder, no_progress):
    embedder, seen = Embedder(), []
    dataset = datasets.read(folder.written())

    class Looking(Fixed):
        def scores(self, block, candidates):
            seen.append(candidates.vectors)
            return super().scores(block, candidates)

    ran(dataset, Looking(), no_progress, embedder=embedder)

    assert len(embedder.given) == len(set(embedder.given)) == 24 + 8
    assert set(seen[0]) == set(embedder.given)


def test_rankings_in_a_file_take_part(folder, tmp_path):
    dataset = datasets.read(folder.written()).chosen(variants=["full"])
    path = tmp_path / "theirs.jsonl"
    path.write_text(
        json.dumps({"task": "toy-0-full-toy-d1", "ranking": dataset.days["toy-d1"]}) + "\n"
    )

    record = running.finished(dataset, path)

    assert record.name == "theirs"
    assert record.values["toy-0-full-toy-d1"][0] == pytest.approx(1)
    assert not record.values["toy-0-full-toy-d2"].any()
    path.write_text('{"task": "other", "ranking": []}')
    with pytest.raises(InvalidInput, match="ranks none of the tasks"):
        running.finished(dataset, path)


def test_papers_of_other_days_in_a_file_are_skipped(folder, tmp_path):
    dataset = datasets.read(folder.written()).chosen(variants=["full"])
    path = tmp_path / "theirs.jsonl"
    ranking = ["toy-bread-0", "of-no-day", *dataset.days["toy-d1"]]
    path.write_text(json.dumps({"task": "toy-0-full-toy-d1", "ranking": ranking}))

    record = running.finished(dataset, path)

    assert record.values["toy-0-full-toy-d1"][0] == pytest.approx(1)


def test_a_file_that_ranks_a_task_twice_is_refused(folder, tmp_path):
    dataset = datasets.read(folder.written())
    path = tmp_path / "theirs.jsonl"
    path.write_text('{"task": "toy-0-full-toy-d1", "ranking": []}\n' * 2)

    with pytest.raises(InvalidInput, match=r"theirs\.jsonl, line 2: the task 'toy-0-full-toy-d1'"):
        running.finished(dataset, path)


@pytest.mark.parametrize(
    ("called", "shown"),
    [
        (["digest", "runs/one.v2.jsonl"], ["digest", "one.v2"]),
        (["svm", "svm.jsonl.gz"], ["svm", "svm.jsonl.gz"]),
        (["june/run.jsonl", "july/run.jsonl"], ["june/run.jsonl", "july/run.jsonl"]),
        (["run.jsonl", "july/run.jsonl"], ["run.jsonl", "july/run.jsonl"]),
        (["run.jsonl", "run.jsonl.gz"], ["run.jsonl", "run.jsonl.gz"]),
        (["mine:Ranker", "theirs:Ranker"], ["mine:Ranker", "theirs:Ranker"]),
        (["run.jsonl", "./run.jsonl"], ["run.jsonl", "run.jsonl (2)"]),
        (["mine:A", "mine:A", "mine:A"], ["mine:A", "mine:A (2)", "mine:A (3)"]),
    ],
)
def test_rankers_have_distinct_names(called, shown, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dataset = datasets.read(folder.written())
    records = []
    for each in called:
        path = Path(each)
        if each.endswith(running.FINISHED):
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps({"task": dataset.tasks[0].id, "ranking": []}))
            records.append(running.finished(dataset, path))
        else:
            records.append(
                running.Record(key=each, name=each.rpartition(":")[2], about="a stand-in")
            )

    assert [each.name for each in running.told_apart(records)] == shown


def test_rankers_are_named_or_imported(tmp_path, monkeypatch):
    (tmp_path / "elsewhere.py").write_text(
        "class Mine:\n"
        "    def learn(self, background, everything, libraries): ...\n"
        "    def scores(self, block, candidates): ...\n"
        "class Keeping(Mine):\n"
        "    def prepared(self, block, candidates): return candidates\n"
        "half = object()\n"
        "class Replayed:\n"
        "    def rank(self, block, candidates, *, without, now): ...\n"
    )
    (tmp_path / "unreadable.py").write_text("class Mine\n")
    (tmp_path / "silent.py").write_text("raise RuntimeError\n")
    monkeypatch.syspath_prepend(tmp_path)

    makers = contestants.entered(["knn", "elsewhere:Mine"])
    mine = makers["elsewhere:Mine"](None)

    assert list(makers) == ["knn", "elsewhere:Mine"]
    assert (mine.name, mine.about) == ("Mine", "elsewhere:Mine")
    assert not isinstance(mine, Preparing)
    keeping = contestants.entered(["elsewhere:Keeping"])["elsewhere:Keeping"](None)
    assert isinstance(keeping, Preparing)
    assert keeping.prepared([], "the candidates") == "the candidates"
    for name, why in {
        "nobody": "name one of digest, svm, .* or module:Class",
        "elsewhere:Yours": "cannot be loaded",
        "nowhere_at_all:Mine": "cannot be loaded",
        "elsewhere:half": "no methods learn and scores",
        "elsewhere:Replayed": "--own` replays",
        "unreadable:Mine": "cannot be loaded",
        "silent:Mine": r"cannot be loaded \(RuntimeError",
    }.items():
        with pytest.raises(InvalidInput, match=why):
            contestants.entered([name])


def test_ours_and_all_baselines_take_part_by_default():
    assert list(contestants.entered([])) == [
        "digest",
        "svm",
        "rocchio",
        "zotero",
        "lsa",
        "knn",
        "tfidf",
        "popularity",
        "random",
    ]
    assert list(contestants.entered([], Embedder()))[:2] == ["digest+", "digest"]
