"""Turns papers and queries into vectors with a sentence embedder (optional; none by default).

Any model that sentence-transformers can load will do: from a folder, from the Hugging Face cache, or
downloaded from the hub the first time. It runs on the CPU. Code that comes with a model is never
run; that needs sentence-transformers 6, since earlier versions ran a folder's code.
"""

from __future__ import annotations

import logging
import re
import warnings
from functools import cached_property
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np

from digest.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digest.model import Paper

log = logging.getLogger(__name__)

MOST_CHARACTERS = 4_000  # twice arXiv's longest abstract; some feeds carry whole articles
PATIENCE = 10.0
OWNER = "sentence-transformers"
ON_THE_HUB = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?", re.ASCII)
PARTS = frozenset({".bin", ".json", ".model", ".safetensors", ".txt"})
SAMPLES = 16
SAMPLE = 4_096
KEY = "ranking.embedder"
NEEDS_EXTRA = "[ranking] embedder needs the extra: pip install 'paperdigest[semantic]'."


class SentenceEmbedder:
    """A model that turns texts into vectors (float32, length 1). It is loaded when first used.

    `model` is a folder or a name on the hub; without an owner, `sentence-transformers/` is put before
    it. `batch` is how many texts go through the model at once. `name` is what the store files its
    vectors under; for a folder it depends on the contents, so it survives a move and changes with
    the model. Threads may share one embedder. Raises ConfigError if the extra is not installed or
    `model` can be no model; every method that loads the model raises it if that fails.
    """

    def __init__(self, model: str, *, batch: int = 32) -> None:
        if find_spec("sentence_transformers") is None:
            raise ConfigError(NEEDS_EXTRA, subject=KEY)
        self._folder = _folder(model)
        self._place = str(self._folder or (model if "/" in model else f"{OWNER}/{model}"))
        self.name = f"embedder:{_identity(self._folder) if self._folder else model}"
        self._batch = batch
        self._model: Any = None
        self._lock = RLock()  # held while encoding, too: a model's tokenizer is not thread-safe

    def find(self) -> None:
        """Make sure that the model is on this machine, downloading it if not; raises ConfigError.

        A model that is here is not loaded: that takes seconds and a gigabyte, and nobody needs it
        while all vectors are in the store.
        """
        if self._folder is None and self._model is None and not _is_here(self._place):
            with self._lock:
                self._loaded()

    @cached_property
    def dimensions(self) -> int:
        """The length of a vector; loads the model."""
        return int(self.texts([""]).shape[1])

    def papers(self, papers: Sequence[Paper]) -> np.ndarray:
        """Vectors of papers, from title and abstract (papers × dimensions).

        Many at once are quicker: the model batches texts of similar length.
        """
        return self._rows("encode_document", [f"{each.title}. {each.abstract}" for each in papers])

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of queries in the space of the papers (texts × dimensions).

        Some models encode queries and documents differently.
        """
        return self._rows("encode_query", texts)

    def _rows(self, way: str, texts: Sequence[str]) -> np.ndarray:
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        # Undecodable bytes from the command line are lone surrogates, which tokenizers refuse.
        clean = [each[:MOST_CHARACTERS].encode(errors="replace").decode() for each in texts]
        with self._lock:
            encode = getattr(self._loaded(), way)
            rows = np.asarray(
                encode(clean, batch_size=self._batch, show_progress_bar=False), np.float32
            )
        lengths: np.ndarray = np.linalg.norm(rows, axis=1, keepdims=True)
        return rows / np.where(lengths > 0, lengths, np.float32(1))

    def _loaded(self) -> Any:
        if self._model is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._model = _load(self._place, hub=self._folder is None)
        return self._model


def _error(why: str) -> ConfigError:
    return ConfigError(f"[ranking] embedder: {why}.", subject=KEY)


def _folder(model: str) -> Path | None:
    """The folder `model` names, or None if it is a name on the hub; raises ConfigError."""
    folder = Path(model).expanduser()
    if not folder.is_dir():
        if ON_THE_HUB.fullmatch(model):
            return None
        raise _error(f"{model!r} is neither a folder nor the name of a model")
    if not any((folder / each).is_file() for each in ("modules.json", "config.json")):
        raise _error(f"the folder {model} holds no model (it has no modules.json)")
    return folder.resolve()


def _identity(folder: Path) -> str:
    """The folder's name and a hash of its files' sizes and samples, which takes milliseconds."""
    mark = blake2b(digest_size=4)
    try:
        for path in sorted(each for each in folder.rglob("*") if each.suffix in PARTS):
            size = path.stat().st_size
            mark.update(f"{path.relative_to(folder).as_posix()}:{size}\n".encode())
            with path.open("rb") as file:
                for at in range(0, size, max(size // SAMPLES, SAMPLE)):
                    file.seek(at)
                    mark.update(file.read(SAMPLE))
    except OSError as error:
        raise _error(str(error)) from error
    return f"{folder.name}-{mark.hexdigest()}"


def _is_here(model: str) -> bool:
    """Whether the Hugging Face cache has a model."""
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - takes long to import

    try:
        snapshot_download(model, local_files_only=True)
    except (OSError, ValueError):
        return False
    return True


def _load(place: str, *, hub: bool) -> Any:
    """Load the model, from this machine if it is there, without output on stderr."""
    try:
        import sentence_transformers  # noqa: PLC0415 - takes seconds
        from transformers.utils import logging as transformers_logging  # noqa: PLC0415 - the same
    except ImportError as error:
        raise ConfigError(NEEDS_EXTRA, subject=KEY) from error
    transformers_logging.disable_progress_bar()
    for library in ("sentence_transformers", "transformers", "huggingface_hub"):
        logging.getLogger(library).setLevel(logging.ERROR)

    def load(*, here: bool) -> Any:
        return sentence_transformers.SentenceTransformer(
            place, device="cpu", trust_remote_code=False, local_files_only=here
        )

    try:
        return load(here=True)
    except Exception as error:
        missing = isinstance(error, OSError)  # not, or not completely, in the cache
        if not (hub and missing):
            raise _unloadable(place, error) from error
    _ask_the_hub(place)
    log.info("fetching a model from the hub", extra={"action": "embedder", "model": place})
    try:
        return load(here=False)
    except Exception as error:
        raise _unloadable(place, error) from error


def _ask_the_hub(model: str) -> None:
    """Ask the hub once whether it has a model; raises ConfigError if not.

    Without a network, loading would retry for over a minute; this fails at once.
    """
    from huggingface_hub import HfApi  # noqa: PLC0415 - takes long to import
    from huggingface_hub.errors import RepositoryNotFoundError  # noqa: PLC0415 - the same

    try:
        HfApi().model_info(model, timeout=PATIENCE)
    except RepositoryNotFoundError as error:
        raise _error(f"huggingface.co has no model {model}, or it is private") from error
    except Exception as error:
        raise _error(
            f"{model} is not on this machine, and huggingface.co cannot be "
            "reached; copy the model here and name its folder"
        ) from error


def _unloadable(place: str, error: Exception) -> ConfigError:
    said = str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
    return _error(f"{place} cannot be loaded as a model: {said}")
