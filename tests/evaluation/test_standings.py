"""How rankers stand, as text, as plain values and as a picture."""

import json
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.evaluation import datasets, picture, report, standings
from digest.evaluation.datasets import Task
from digest.evaluation.running import Record

SVG = "{http://www.w3.org/2000/svg}"


def record(name, tasks, value, **more):
    """A ranker that reaches `value(task)` in nDCG@10, and half of that in everything else."""
    values = {each.id: np.array([1, *[0.5] * 5]) * value(each) for each in tasks}
    return Record(key=name, name=name, about=f"what {name} is", values=values, **more)


@pytest.fixture
def tasks(two_sets):
    return datasets.read(two_sets.written()).tasks


def task(person, day, likes=3, variant="full", **more):
    return Task(
        id=f"{person}-{variant}-{day}",
        profile=f"{person}-{variant}",
        day=str(day),
        collection="toy",
        set="toy",
        likes=tuple(f"p{at}" for at in range(likes)),
        variant=variant,
        person=str(person),
        cluster=str(person),
        relevant=frozenset({"p9"}),
        **more,
    )


def test_a_person_counts_once_however_many_days_they_have():
    tasks = [task(1, 1), task(1, 2), task(1, 3), task(2, 1)]
    ours = record("ours", tasks, lambda each: float(each.person == "2"))

    [group] = standings.groups(tasks, [ours])

    assert group.values["ours"][:, 0].tolist() == [0, 1]
    assert group.estimate("ours").mean[0] == 0.5


def test_groups_come_by_what_is_known_of_people(tasks):
    found = standings.groups(tasks, [record("ours", tasks, lambda _: 0.5)])

    assert [(each.set, each.variant, each.title) for each in found][:4] == [
        ("toy", "k1", "1 like"),
        ("toy", "full", "4 likes"),
        ("toy", "k1kw", "1 like + keywords"),
        ("toy", "kw", "keywords only"),
    ]
    assert [each.set for each in found] == ["toy"] * 4 + ["zoo"] * 4


def test_only_tasks_that_all_have_ranked_are_compared():
    tasks = [task(1, 1), task(2, 1)]
    records = [record("ours", tasks, lambda _: 1), record("other", tasks[:1], lambda _: 1)]
    [group] = standings.groups(tasks, records)
    assert len(group.sizes) == 1


def test_people_are_grouped_by_number_of_likes_if_it_differs():
    tasks = [task(person, 1, likes=likes) for person, likes in enumerate((0, 1, 3, 4, 50, 200))]
    ours = record("ours", tasks, lambda each: len(each.likes) / 1000)
    [group] = standings.groups(tasks, [ours])

    parts = standings.by_size(group)

    assert group.title == "0–200 likes"
    assert [(each.part, len(each.sizes)) for each in parts] == [
        ("none", 1),
        ("1 to 3", 2),
        ("4 to 9", 1),
        ("30 to 99", 1),
        ("100 and more", 1),
    ]
    assert parts[-1].values["ours"][:, 0].tolist() == [0.2]
    alike = [task(1, 1), task(2, 1, likes=4)]
    [group] = standings.groups(alike, [record("ours", alike, lambda _: 1)])
    assert standings.by_size(group) == []


def test_sets_count_the_same_in_their_mean(tasks):
    ours = record("ours", tasks, lambda each: 0.6 if each.set == "toy" else 0.2)
    other = record("other", tasks, lambda _: 0.3)
    several = standings.over_sets(standings.groups(tasks, [ours, other]))

    assert set(several) == {"k1", "full", "k1kw", "kw"}
    assert standings.mean_over_sets(several["full"], "ours").mean[0] == pytest.approx(0.4)
    lead = standings.mean_over_sets(several["full"], "ours", than="other")
    assert (lead.mean[0], lead.low[0], lead.high[0]) == pytest.approx((0.1, 0.1, 0.1))


@pytest.fixture
def compared(tasks):
    records = [
        record(
            "ours",
            tasks,
            lambda _: 0.6,
            seconds={"toy": 42e-6, "zoo": 43e-6},
            learning={"toy": 987e-6},
        ),
        record("worse", tasks, lambda _: 0.5, seconds={"toy": 0.125, "zoo": 0.125}),
        record("better", tasks, lambda _: 0.8),
        record("<hopeless & co>", tasks, lambda _: 0.0),
    ]
    return standings.groups(tasks, records), records


def test_the_report_compares_ours_with_each_best_first(compared):
    lines = report.text(*compared).splitlines()

    start = lines.index("toy · k1 · 1 like · 4 people in 3 clusters")
    table = [line.split() for line in lines[start + 1 : start + 6]]
    assert table[0][:4] == ["nDCG@10", "95", "%", "interval"]
    assert table[1][:3] == ["ours", "0.600", "0.600–0.600"]
    assert "42" in table[1]
    assert table[2][:3] == ["better", "0.800", "0.800–0.800"]
    assert table[2][-5:] == ["-25.0", "%", "(-25.0", "to", "-25.0)"]
    assert "125,000" in table[3]
    assert table[3][-5:] == ["+20.0", "%", "(+20.0", "to", "+20.0)"]
    assert table[4][-1] == "0.000–0.000"


def test_every_measure_and_size_of_profile_has_its_interval():
    tasks = [task(person, 1, likes=likes) for person, likes in enumerate((2, 2, 8, 8))]
    ours = record("ours", tasks, lambda each: 0.3 if len(each.likes) == 2 else 0.6)
    lines = report.text(standings.groups(tasks, [ours]), [ours]).splitlines()

    start = lines.index("toy · full · 2–8 likes, median 5 · 4 people")
    assert lines[start + 2].split() == ["ours", "0.450", "0.300–0.600"]
    assert lines[start + 4].split() == ["nDCG@20", "R@20", "R@50", "R@100", "MRR"]
    assert lines[start + 5].split() == ["ours", *["0.225", "±.075"] * 5]
    start = lines.index("toy · full")
    assert lines[start + 1].split()[-6:] == ["1", "to", "3", "4", "to", "9"]
    assert lines[start + 2].split() == ["people", "2", "2"]
    assert lines[start + 3].split() == ["ours", "0.300", "±.000", "0.600", "±.000"]


def test_tables_fit_a_terminal_however_much_there_is_to_tell():
    tasks = [task(person, 1, likes=likes) for person, likes in enumerate((0, 1, 4, 10, 30, 100))]
    costs = {"seconds": {"toy": 0.125}, "learning": {"toy": 0.01}}
    records = [
        record(f"somebody's-{at}", tasks, lambda each, at=at: (len(each.likes) + at) / 200, **costs)
        for at in range(9)
    ]

    tables = report.text(standings.groups(tasks, records), records).split("\n\n")[1:-2]

    assert len(tables) == 3
    assert max(len(line) for table in tables for line in table.splitlines()) <= 100


def test_the_report_says_what_each_one_is_and_what_numbers_mean(compared):
    text = report.text(*compared)
    assert "worse            what worse is" in text
    assert '"ours leads by" is the paired difference' in text
    assert "mean of toy and zoo · kw" in text


def test_the_time_to_learn_has_a_column_if_a_ranker_keeps_what_it_learns(compared, tasks):
    text = report.text(*compared)
    toy, zoo = (
        text.splitlines()[
            text.splitlines().index(f"{name} · k1 · 1 like · 4 people in 3 clusters") :
        ]
        for name in ("toy", "zoo")
    )
    forgetful = [record("ours", tasks, lambda _: 0.6, seconds={"toy": 1e-6})]

    head, ours = toy[1], toy[2]
    assert head.index("anew") + len("anew") == ours.index("987") + len("987")
    assert head.index("µs") + len("µs") == ours.index("42") + len("42")
    assert "anew" not in zoo[1]
    assert "anew: the time to learn someone's likes" in text
    assert "anew" not in report.text(standings.groups(tasks, forgetful), forgetful)


def test_a_single_ranker_has_no_lead(tasks):
    ours = record("ours", tasks, lambda _: 0.6, seconds={"toy": 1e-6, "zoo": 1e-6})
    text = report.text(standings.groups(tasks, [ours]), [ours])
    assert "leads" not in text


def test_a_large_lead_is_told_in_times(tasks):
    records = [record("ours", tasks, lambda _: 0.6), record("chance", tasks, lambda _: 0.02)]
    text = report.text(standings.groups(tasks, records), records)
    assert "30 times" in text


def test_there_is_no_lead_over_a_value_of_zero(tasks):
    records = [record(name, tasks, lambda _: 0.0) for name in ("ours", "other")]

    text = report.text(standings.groups(tasks, records), records)

    assert "nan" not in text
    assert next(line for line in text.splitlines() if line.startswith("other  ")).endswith("0.000")


def test_plain_values_are_json_and_hold_what_the_text_says(compared):
    found = json.loads(json.dumps(report.plain(*compared)))

    row = next(each for each in found["results"] if each["ranker"] == "worse")
    assert (row["set"], row["variant"], row["people"], row["clusters"]) == ("toy", "k1", 4, 3)
    assert row["nDCG@10"]["mean"] == pytest.approx(0.5)
    assert row["lead"]["nDCG@10"] == pytest.approx({"mean": 0.1, "low": 0.1, "high": 0.1})
    assert found["rankers"]["worse"] == {
        "about": "what worse is",
        "seconds": {"toy": 0.125, "zoo": 0.125},
        "learning": {},
    }
    assert found["rankers"]["ours"]["learning"] == {"toy": 987e-6}
    assert {each["variant"] for each in found["over_sets"]} == {"k1", "full", "k1kw", "kw"}


def test_the_picture_has_a_bar_with_an_interval_for_each_ranker(compared):
    found, records = compared

    drawn = ET.fromstring(picture.svg(found, [each.name for each in records], title="A & B"))

    bars = drawn.findall(f".//{SVG}path[@class='bar']")
    whiskers = drawn.findall(f".//{SVG}path[@class='whisker']")
    assert len(bars) == len(whiskers) == 8 * 4
    assert len(drawn.findall(f".//{SVG}g[@class='ours']")) == 8
    said = [each.text for each in drawn.iter(f"{SVG}title")]
    assert "<hopeless & co>: 0.000 (0.000 to 0.000)" in said
    words = [each.text for each in drawn.iter(f"{SVG}text")]
    assert "A & B" in words
    assert "1 like + keywords · 4 people" in words


def test_the_picture_stays_within_its_frame(compared):
    found, records = compared
    drawn = ET.fromstring(picture.svg(found, [each.name for each in records], title="T"))

    _, _, width, height = map(float, drawn.attrib["viewBox"].split())

    for each in drawn.iter(f"{SVG}text"):
        assert 0 <= float(each.attrib["x"]) <= width
        assert 0 <= float(each.attrib["y"]) <= height


def test_a_long_name_is_cut_and_leaves_room_for_bars(tasks):
    name = "runs of the whole summer/with everything.jsonl"
    long = record(name, tasks, lambda _: 0.5)
    drawn = ET.fromstring(picture.svg(standings.groups(tasks, [long]), [name], title="T"))

    bars = [each.attrib["d"] for each in drawn.iter(f"{SVG}path") if each.attrib["class"] == "bar"]

    assert all(float(each.partition("h")[2].partition("v")[0]) > 30 for each in bars)
    assert "runs of …verything.jsonl" in [each.text for each in drawn.iter(f"{SVG}text")]
    assert f"{name}: 0.500 (0.500 to 0.500)" in [each.text for each in drawn.iter(f"{SVG}title")]


def test_a_picture_of_zeros_is_well_formed(tasks):
    nobody = record("nobody", tasks, lambda _: 0.0)
    drawn = picture.svg(standings.groups(tasks, [nobody]), ["nobody"], title="T")
    assert "nan" not in drawn
    assert ET.fromstring(drawn).tag == f"{SVG}svg"


@settings(max_examples=40)
@given(st.text(), st.text(min_size=1), st.floats(0, 1))
def test_a_picture_with_any_names_is_well_formed(title, name, value):
    tasks = [task(1, 1, variant=title), task(2, 1, variant=title)]
    found = standings.groups(tasks, [record(name, tasks, lambda _: value)])
    drawn = ET.fromstring(picture.svg(found, [name], title=title))
    assert len(drawn.findall(f".//{SVG}path[@class='bar']")) == 1
