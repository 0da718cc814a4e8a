"""Passages into the store, once: what is indexed under the same fingerprint is left alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from assistant.errors import DocumentError
from assistant.schema import Document, Embedder, Record
from assistant.store import Store
from ingest.load import LOADERS, load
from ingest.passages import embedded_text, split, version

Progress = Callable[[str, int, int], None]
EMBED_TEXTS = 256


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of one file."""

    name: str
    outcome: Literal["new", "changed", "unchanged"]
    passages: int


def find_files(paths: Sequence[Path]) -> list[Path]:
    """The files that `paths` name, folders searched for known formats (hidden files and links out of them left out).

    Raises DocumentError where a folder holds none, or two files bear the same name.
    """
    files: list[Path] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        root = path.resolve()
        inside = sorted(
            f for f in path.rglob("*")
            if f.suffix.lower() in LOADERS and f.is_file() and f.resolve().is_relative_to(root)
            and not any(part.startswith(".") for part in f.relative_to(path).parts)
        )  # fmt: skip
        if not inside:
            raise DocumentError(f"{path} holds no document: put {', '.join(sorted(LOADERS))} files there")
        files += inside
    seen: dict[str, Path] = {}
    for file in files:
        other = seen.setdefault(file.name, file)
        if other.resolve() != file.resolve():
            raise DocumentError(f"{other} and {file} bear the same name: rename one")
    return list(seen.values())


def ingest(
    files: Iterable[Path],
    embedder: Embedder,
    store: Store,
    *,
    max_bytes: int,
    max_chars: int,
    progress: Progress | None = None,
) -> list[Ingested]:
    """Load, split, embed and store files; all are read before the first is written, so that a bad one changes nothing.

    `progress` is called with a document's name, passages embedded, and passages in all.
    Raises DocumentError, StoreError or StoreLocked.
    """
    documents = [load(file, max_bytes, max_chars) for file in files]
    with store.writing():
        live = store.versions() if store.exists else {}
        return [_ingest_one(d, s, live, embedder, store, progress) for d, s in zip(documents, files, strict=True)]


def _ingest_one(
    document: Document, source: Path, live: dict[str, str], embedder: Embedder, store: Store, progress: Progress | None
) -> Ingested:
    key = version(document, embedder.fingerprint)
    passages = split(document, key)
    if live.get(document.name) == key and len(store.passages([key])) == len(passages):
        return Ingested(document.name, "unchanged", len(passages))
    vectors: list[list[float]] = []
    for at in range(0, len(passages), EMBED_TEXTS):
        vectors += embedder.embed([embedded_text(p, document) for p in passages[at : at + EMBED_TEXTS]])
        if progress is not None:
            progress(document.name, len(vectors), len(passages))
    store.replace(Record(document, key, str(source), len(passages)), passages, vectors)
    return Ingested(document.name, "changed" if document.name in live else "new", len(passages))
