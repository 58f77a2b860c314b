"""Files of one object a line: what is wrong is said with file and line."""

import contextlib
import gzip
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest.errors import InvalidInput
from digest.evaluation import lines


def test_a_file_may_be_gzipped_whatever_it_is_called(tmp_path):
    plain, packed = tmp_path / "plain.jsonl", tmp_path / "packed.jsonl"
    plain.write_text('{"id": "p1"}\n\n{"id": 2}\n')
    packed.write_bytes(gzip.compress(plain.read_bytes()))

    for path in (plain, packed):
        assert [row.text("id") for row in lines.rows(path)] == ["p1", "2"]


def test_the_plain_file_is_found_before_the_gzipped_one(tmp_path):
    assert lines.find(tmp_path, "a.jsonl") is None
    (tmp_path / "a.jsonl.gz").touch()
    assert lines.find(tmp_path, "a.jsonl") == tmp_path / "a.jsonl.gz"
    (tmp_path / "a.jsonl").touch()
    assert lines.find(tmp_path, "a.jsonl") == tmp_path / "a.jsonl"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"id": ', "not JSON"),
        ("[1, 2]", "not a JSON object"),
        ("7", "not a JSON object"),
        ("[" * 5_000, "not JSON"),
        ("{}", "'id' is missing"),
        ('{"id": null}', "'id' is missing"),
        ('{"id": ["a"]}', "'id' is not a string"),
        ('{"id": true}', "'id' is not a string"),
    ],
)
def test_a_broken_line_is_named_by_file_and_number(tmp_path, line, why):
    path = tmp_path / "rows.jsonl"
    path.write_text(f'{{"id": "fine"}}\n{line}\n')

    with pytest.raises(InvalidInput) as caught:
        [row.text("id") for row in lines.rows(path)]

    assert str(caught.value).startswith(f"{path}, line 2: ")
    assert why in str(caught.value)


@pytest.mark.parametrize(
    "value", ['"one"', '["one"]', '["one", 2]', "null", "[]", '""', "{}", "[[]]", "[null]", "3"]
)
def test_lists_of_texts_are_that_or_an_error(tmp_path, value):
    path = tmp_path / "rows.jsonl"
    path.write_text(f'{{"likes": {value}}}')
    expected = {
        '"one"': ("one",),
        '["one"]': ("one",),
        '["one", 2]': ("one", "2"),
        "null": (),
        "[]": (),
        '""': (),
    }

    [row] = lines.rows(path)

    if value in expected:
        assert row.texts("likes") == expected[value]
    else:
        with pytest.raises(InvalidInput, match="'likes'"):
            row.texts("likes")


@pytest.mark.parametrize("value", ["-1", "true", '"3"', "NaN", "1e400", "null"])
def test_a_count_is_a_number_that_is_not_negative(tmp_path, value):
    path = tmp_path / "rows.jsonl"
    path.write_text(f'{{"votes": {value}, "good": 3}}')

    [row] = lines.rows(path)

    assert row.count("good") == 3
    with pytest.raises(InvalidInput, match="'votes' is not a count"):
        row.count("votes")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (gzip.compress(mtime=0, data=b'{"id": 1}\n' * 100)[:-12], "damaged"),
        (b"\x1f\x8bnonsense", "damaged"),
        (b'{"id": "\xff"}', "UTF-8"),
    ],
)
def test_a_file_that_cannot_be_unpacked_or_read_is_an_error_that_names_it(tmp_path, content, why):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)

    with pytest.raises(InvalidInput, match=why) as caught:
        list(lines.rows(path))

    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_is_an_error_that_names_it(tmp_path):
    with pytest.raises(InvalidInput, match="cannot be read"):
        list(lines.rows(tmp_path / "none.jsonl"))


def test_a_whole_file_is_one_object(tmp_path):
    path = tmp_path / "candidates.json"
    path.write_text('{"d1": ["p1"]}')
    assert lines.whole(path).names() == ["d1"]

    path.write_text('{"d1": [\n}')
    with pytest.raises(InvalidInput, match=r"not JSON .*line 2"):
        lines.whole(path)


def test_a_lone_surrogate_becomes_a_question_mark(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(r'{"id": "p\ud800", "likes": ["\ud83d\ude00", "\udfff"]}')
    [row] = lines.rows(path)
    assert (row.text("id"), row.texts("likes")) == ("p?", ("😀", "?"))


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary()
    | st.lists(st.dictionaries(st.sampled_from(["id", "likes"]), ANY_JSON)).map(
        lambda rows: "\n".join(map(json.dumps, rows)).encode()
    )
)
def test_any_file_is_rows_of_texts_or_invalid_input(tmp_path, content):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)

    def texts():
        return [text for row in lines.rows(path) for text in (row.text("id"), *row.texts("likes"))]

    with contextlib.suppress(InvalidInput):
        assert all(each.encode().decode() == each for each in texts())
