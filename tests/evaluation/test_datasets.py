"""What a dataset's folder says, and what it says when something is wrong with it."""

import random

import pytest

from digest.errors import InvalidInput
from digest.evaluation import datasets
from digest.model import InterestKind


@pytest.mark.parametrize("packed", [False, True])
def test_a_folder_is_read_gzipped_or_not(folder, packed):
    folder.packed = packed

    dataset = datasets.read(folder.written())

    assert dataset.answered
    assert len(dataset.tasks) == 4 * 4 * 2
    first = dataset.tasks[0]
    assert (first.id, first.set, first.variant) == ("toy-0-full-toy-d1", "toy", "full")
    assert (first.person, first.cluster) == ("0", "list 0")
    assert first.relevant == {"toy-bread-10", "toy-bread-11", "toy-bread-12"}


def test_the_background_is_what_no_day_asks_about(folder):
    dataset = datasets.read(folder.written())

    material = datasets.material(dataset, "toy")

    assert len(material.papers) == 34
    assert {each.id for each in material.background} == {
        f"toy-{theme}-{number}" for theme in ("bread", "stars") for number in range(5)
    }


def test_the_background_is_newest_first_as_an_archive_is(folder):
    dates = {"toy-bread-1": "2026-07-01", "toy-stars-2": "2026-08-01", "toy-stars-4": None}
    for each in folder.files["toy_papers.jsonl"]:
        each["date"] = dates.get(each["id"], each["date"])
    dataset = datasets.read(folder.written())

    ids = [each.id for each in datasets.material(dataset, "toy").background]

    assert (ids[0], ids[1], ids[-1]) == ("toy-stars-2", "toy-bread-1", "toy-stars-4")


def test_likes_keep_their_order_as_times_and_keywords_are_interests(folder):
    dataset = datasets.read(folder.written()).chosen(variants=["full", "k1kw"])
    by_id = {each.id: each for each in dataset.tasks}

    full = by_id["toy-0-full-toy-d1"].interests()
    both = by_id["toy-0-k1kw-toy-d1"].interests()

    likes = full.of(InterestKind.LIKE)
    assert [each.value for each in likes] == [f"toy-bread-{number}" for number in range(4)]
    assert sorted(likes, key=lambda each: each.added_at, reverse=True) == list(likes)
    assert {each.weight for each in likes} == {1.0}
    assert [each.value for each in both.of(InterestKind.KEYWORD)] == ["sourdough crust"]


def test_days_belong_to_the_file_that_holds_their_papers(two_sets):
    dataset = datasets.read(two_sets.written())

    assert dataset.collections == ["toy", "zoo"]
    assert {(each.collection, each.day) for each in dataset.tasks} == {
        ("toy", "toy-d1"),
        ("toy", "toy-d2"),
        ("zoo", "zoo-d1"),
        ("zoo", "zoo-d2"),
    }
    assert set(datasets.material(dataset, "zoo").papers) == {
        each["id"] for each in two_sets.files["zoo_papers.jsonl"]
    }


def test_of_files_with_the_same_papers_a_day_belongs_to_the_one_of_its_name(two_sets):
    everything = two_sets.files["toy_papers.jsonl"] + two_sets.files["zoo_papers.jsonl"]
    two_sets.files["toy_papers.jsonl"] = two_sets.files["zoo_papers.jsonl"] = everything

    dataset = datasets.read(two_sets.written())

    assert all(each.day.startswith(each.collection) for each in dataset.tasks)


def test_only_ids_are_needed_of_papers_and_only_tasks_and_relevant_of_answers(folder):
    folder.files["toy_papers.jsonl"] = [
        {"id": each["id"], "title": None, "date": ""} for each in folder.files["toy_papers.jsonl"]
    ]
    folder.files["truth.jsonl"] = [
        {"task": each["task"], "relevant": each["relevant"]} for each in folder.files["truth.jsonl"]
    ]
    for each in folder.files["profiles.jsonl"]:
        del each["keywords"]

    dataset = datasets.read(folder.written())
    paper = datasets.material(dataset, "toy").papers["toy-bread-1"]

    assert (paper.title, paper.authors, paper.published) == ("", (), None)
    task = dataset.tasks[0]
    assert (task.set, task.variant) == ("toy", "all")
    assert task.person == task.cluster == task.profile


def test_a_candidate_that_nobody_describes_is_a_paper_without_words(folder):
    folder.files["candidates.json"][0]["toy-d1"].append("unheard-of")

    dataset = datasets.read(folder.written())
    candidates = datasets.material(dataset, "toy").candidates(dataset.days["toy-d1"], [])

    [unknown] = [each for each in candidates.papers if each.id == "unheard-of"]
    assert (unknown.title, unknown.abstract) == ("", "")


def test_the_order_of_candidates_does_not_depend_on_the_file(folder):
    dataset = datasets.read(folder.written())
    material = datasets.material(dataset, "toy")
    ids = list(dataset.days["toy-d1"])
    shuffled = random.Random(1).sample(ids, len(ids))

    one, other = material.candidates(ids, []), material.candidates([*shuffled, ids[0]], [])

    assert [each.id for each in one.papers] == [each.id for each in other.papers]
    assert [each.id for each in one.papers] != ids


def test_what_was_liked_comes_with_the_candidates(folder):
    dataset = datasets.read(folder.written())

    candidates = datasets.material(dataset, "toy").candidates(
        dataset.days["toy-d1"], ["toy-stars-2", "gone"]
    )

    assert set(candidates.liked) == {"toy-stars-2"}


def test_early_votes_become_upvotes_and_heat_of_equal_age(folder):
    folder.files["toy_community.jsonl"] = [
        {"id": "toy-bread-10", "early_likes": 1},
        {"id": "toy-bread-11", "early_likes": 30},
        {"id": "toy-bread-20", "early_likes": 500},
    ]
    dataset = datasets.read(folder.written())

    candidates = datasets.material(dataset, "toy").candidates(dataset.days["toy-d1"], [])

    assert candidates.upvotes == {"toy-bread-10": 1, "toy-bread-11": 30}
    heat = candidates.trending
    assert set(heat) == {"toy-bread-10", "toy-bread-11"}
    assert 0 < heat["toy-bread-11"] - heat["toy-bread-10"] < 2


def test_other_peoples_libraries_are_lists_of_ids(folder):
    folder.files["toy_other_libraries.jsonl"] = [{"likes": ["toy-bread-1", "toy-bread-2"]}]
    dataset = datasets.read(folder.written())

    assert datasets.material(dataset, "toy").libraries == [("toy-bread-1", "toy-bread-2")]


def test_answers_may_be_beside_the_folder_or_elsewhere_or_missing(folder, tmp_path, monkeypatch):
    del folder.files["truth.jsonl"]
    answers = '{"task": "toy-0-full-toy-d1", "relevant": ["toy-bread-10"]}'
    path = folder.written()
    assert not datasets.read(path).answered

    elsewhere = tmp_path / "kept.jsonl"
    elsewhere.write_text(answers)
    assert datasets.read(path, truth=elsewhere).answered

    (tmp_path / "toys-truth.jsonl").write_text(answers)
    assert datasets.read(path).answered
    monkeypatch.chdir(path)
    assert datasets.read(path.relative_to(path)).answered


def test_tasks_can_be_chosen_by_set_and_variant(two_sets):
    dataset = datasets.read(two_sets.written())

    chosen = dataset.chosen(sets=["zoo"], variants=["k1", "kw"])

    assert {(each.set, each.variant) for each in chosen.tasks} == {("zoo", "k1"), ("zoo", "kw")}
    with pytest.raises(InvalidInput, match="no set 'moo'; it has toy, zoo"):
        dataset.chosen(sets=["moo"])
    with pytest.raises(InvalidInput, match="no variant 'k7'; it has full, k1, k1kw, kw"):
        dataset.chosen(variants=["k7"])


def test_without_answers_the_variant_is_how_a_profiles_name_ends(folder):
    del folder.files["truth.jsonl"]
    dataset = datasets.read(folder.written())

    chosen = dataset.chosen(variants=["k1"])

    assert {each.profile for each in chosen.tasks} == {f"toy-{person}-k1" for person in range(4)}
    with pytest.raises(InvalidInput, match="No task is left"):
        dataset.chosen(variants=["k7"])


def test_a_sample_of_people_is_the_same_of_every_variant_and_grows(two_sets):
    dataset = datasets.read(two_sets.written())

    def drawn(people, variant):
        chosen = dataset.chosen(people=people, sets=["toy"], variants=[variant])
        return {each.person for each in chosen.tasks}

    assert len(drawn(2, "k1")) == 2
    assert drawn(2, "k1") == drawn(2, "kw")
    assert drawn(1, "k1") < drawn(2, "k1") < drawn(3, "k1")
    assert len(drawn(99, "k1")) == 4


@pytest.mark.parametrize(
    ("file", "row", "why"),
    [
        ("tasks.jsonl", {"task": "t", "profile": "who", "day": "toy-d1"}, "no profile 'who'"),
        ("tasks.jsonl", {"task": "t", "profile": "toy-0-k1", "day": "x"}, "no day 'x'"),
        ("tasks.jsonl", {"profile": "toy-0-k1", "day": "toy-d1"}, "'task' is missing"),
        (
            "tasks.jsonl",
            {"task": "toy-0-k1-toy-d1", "profile": "toy-0-k1", "day": "toy-d1"},
            "is listed twice",
        ),
        ("profiles.jsonl", {"profile": "p", "likes": 3}, "'likes' is not a list"),
        ("truth.jsonl", {"task": "t", "relevant": {}}, "'relevant' is not a list"),
    ],
)
def test_an_error_in_a_file_names_its_line(folder, file, row, why):
    folder.files[file].append(row)
    if "truth" in file:
        folder.files["truth.jsonl"][0] = row | {"task": folder.files["truth.jsonl"][0]["task"]}

    with pytest.raises(InvalidInput, match=why) as caught:
        datasets.read(folder.written())

    assert f"{file}, line " in str(caught.value)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"id": "p", "date": "last week"}, "'date'"),
        ({"id": "p", "authors": [["Ada"]]}, "'authors'"),
        ({"title": "nameless"}, "'id' is missing"),
    ],
)
def test_an_error_in_a_paper_names_its_line(folder, row, why):
    dataset = datasets.read(folder.written())
    folder.files["toy_papers.jsonl"].append(row)
    folder.written()

    with pytest.raises(InvalidInput, match=why) as caught:
        datasets.material(dataset, "toy")

    assert "toy_papers.jsonl, line 35" in str(caught.value)


@pytest.mark.parametrize("name", ["candidates.json", "profiles.jsonl", "tasks.jsonl"])
def test_a_folder_that_lacks_a_file_is_no_dataset(folder, name):
    del folder.files[name]
    with pytest.raises(InvalidInput, match=f"no {name}"):
        datasets.read(folder.written())


def test_a_folder_without_papers_is_no_dataset(folder, tmp_path):
    del folder.files["toy_papers.jsonl"]
    with pytest.raises(InvalidInput, match="has no papers"):
        datasets.read(folder.written())
    with pytest.raises(InvalidInput, match="There is no folder"):
        datasets.read(tmp_path / "nowhere")


def test_a_task_that_is_answered_twice_is_refused(folder):
    first = folder.files["truth.jsonl"][0]
    folder.files["truth.jsonl"].append(first | {"variant": "another"})

    with pytest.raises(InvalidInput, match="is answered twice"):
        datasets.read(folder.written())


def test_answers_to_other_tasks_are_refused(folder, tmp_path):
    other = tmp_path / "other.jsonl"
    other.write_text('{"task": "another", "relevant": ["p"]}')
    with pytest.raises(InvalidInput, match="answers none of the tasks"):
        datasets.read(folder.written(), truth=other)
