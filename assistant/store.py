"""The index: documents and passages in Chroma, embedded or on a server.  Knows vectors and rows, not questions.

Two collections.  ``documents`` holds one row a document: its whole text, and as metadata its version, title, date and
number of passages; it is the manifest, and replacing a row is what makes a new version live.  ``passages-MODEL`` holds
the vectors, each row named by the version it belongs to, so that rows of a half-done or replaced ingest are never
asked for.  The order of `replace` (new passages, then the document's row, then old passages) therefore leaves the
old version or the new one after a crash at any moment, never a mixture.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast, get_args

from filelock import FileLock, Timeout

from assistant.errors import StoreError, StoreLocked
from assistant.schema import Block, BlockKind, Document, Passage, PassageKind, Record, Span

FORMAT = "3"
WRITE_ROWS = 1000
LOCK_SECONDS = 2.0


class Store:
    """The index in the folder `path`, or on the Chroma server at `url` (then `path` holds only the lock).

    Nothing is opened or made before the first call.  Every method raises StoreError, with the command that mends it,
    where Chroma cannot be reached or what it holds is damaged.
    """

    def __init__(self, path: Path, embedder_fingerprint: str, url: str | None = None) -> None:
        self.path = path
        self.url = url
        # Another model or another layout of the rows is another index: never read as this one.
        digest = hashlib.sha256(f"{FORMAT}:{embedder_fingerprint}".encode()).hexdigest()[:12]
        self._passages_name = f"passages-{digest}"
        self._documents_name = f"documents-{digest}"
        self._client: Any = None

    @property
    def exists(self) -> bool:
        """Whether there is an index to open: a Chroma file in the folder, or a server."""
        return self.url is not None or (self.path / "chroma" / "chroma.sqlite3").exists()

    def records(self) -> list[Record]:
        """The documents that are live, by name.  Raises StoreError where a text is not what was stored."""
        with self._errors("read"):
            rows = self._documents().get(include=["documents", "metadatas"])
        records = [
            self._record(text, meta) for text, meta in zip(rows["documents"], rows["metadatas"], strict=True) if meta
        ]
        return sorted(records, key=lambda r: r.document.name)

    def versions(self) -> dict[str, str]:
        """Name to version of the live documents: a cheap look at whether anything changed."""
        with self._errors("read"):
            rows = self._documents().get(include=["metadatas"])
        return {str(m["name"]): str(m["version"]) for m in rows["metadatas"]}

    def passages(self, versions: Sequence[str]) -> list[Passage]:
        """Every passage of these versions, in the order of the text.  Raises StoreError where some are missing."""
        if not versions:
            return []
        with self._errors("read"):
            rows = self._passages().get(where=_where(versions), include=["metadatas"])
        return sorted((_passage(m) for m in rows["metadatas"]), key=lambda p: (p.document, p.span, p.kind))

    def search(self, vector: Sequence[float], versions: Sequence[str], limit: int) -> dict[str, float]:
        """The `limit` nearest passages of these versions: id to cosine similarity."""
        if not versions:
            return {}
        with self._errors("search"):
            found = self._passages().query(
                query_embeddings=[list(vector)], n_results=limit, where=_where(versions), include=["distances"]
            )
        return {i: 1.0 - d for i, d in zip(found["ids"][0], found["distances"][0], strict=True)}

    def replace(self, record: Record, passages: Sequence[Passage], vectors: Sequence[Sequence[float]]) -> None:
        """Put a document in, in place of the one of the same name.  Call it inside `writing`."""
        if not len(passages) == len(vectors) == record.passages:
            raise ValueError("one vector a passage")
        with self._errors("write"):
            documents, collection = self._documents(), self._passages()
            for at in range(0, len(passages), WRITE_ROWS):
                part = passages[at : at + WRITE_ROWS]
                collection.upsert(
                    ids=[p.id for p in part],
                    embeddings=[list(v) for v in vectors[at : at + WRITE_ROWS]],
                    metadatas=[_passage_meta(p) for p in part],
                )
            document = record.document
            documents.upsert(
                ids=[_row_id(document.name)],
                embeddings=[[1.0]],
                documents=[document.text],
                metadatas=[_record_meta(record)],
            )
        self.sweep()

    def remove(self, name: str) -> None:
        """Take a document out.  Call it inside `writing`."""
        with self._errors("write"):
            self._documents().delete(ids=[_row_id(name)])
        self.sweep()

    def sweep(self) -> None:
        """Delete the passages that no live document owns.  Call it inside `writing`."""
        live = sorted(self.versions().values())
        with self._errors("write"):
            self._passages().delete(where={"version": {"$nin": live or ["-"]}})

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the one writer's lock.  Raises StoreLocked, naming the process that holds it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.path / "lock", timeout=LOCK_SECONDS)
            with lock:
                holder = self.path / "lock.holder"
                holder.write_text(f"process {os.getpid()}", encoding="utf-8")
                try:
                    yield
                finally:
                    holder.unlink(missing_ok=True)
        except Timeout:
            with contextlib.suppress(OSError):
                who = (self.path / "lock.holder").read_text(encoding="utf-8")
                raise StoreLocked(f"{who} is writing the store {self.path}: wait for it, or end it") from None
            raise StoreLocked(f"another process is writing the store {self.path}: wait for it, or end it") from None
        except OSError as error:
            raise StoreError(
                f"cannot write the store {self.path}: {error.strerror or error}; free space, mend its permissions, or name another with --store"
            ) from None

    def reopen(self) -> None:
        """Forget the open client, so that the next call sees what another process wrote."""
        if self._client is not None and self.url is None:
            from chromadb.api.shared_system_client import SharedSystemClient

            SharedSystemClient.clear_system_cache()
        self._client = None

    def _open(self) -> Any:
        if self._client is None:
            import chromadb
            from chromadb.config import Settings

            settings = Settings(anonymized_telemetry=False)
            if self.url is not None:
                host, _, port = self.url.rstrip("/").partition("://")[2].rpartition(":")
                ssl = self.url.startswith("https:")
                self._client = chromadb.HttpClient(host=host, port=int(port), ssl=ssl, settings=settings)
            else:
                (self.path / "chroma").mkdir(parents=True, exist_ok=True)
                self._client = chromadb.PersistentClient(path=str(self.path / "chroma"), settings=settings)
        return self._client

    def _documents(self) -> Any:
        return self._collection(self._documents_name)

    def _passages(self) -> Any:
        return self._collection(self._passages_name)

    def _collection(self, name: str) -> Any:
        configuration = {"hnsw": {"space": "cosine"}}
        return self._open().get_or_create_collection(name, configuration=configuration, embedding_function=None)

    @contextlib.contextmanager
    def _errors(self, verb: str) -> Iterator[None]:
        try:
            yield
        except (StoreError, KeyboardInterrupt):
            raise
        except Exception as error:
            where = self.url or str(self.path)
            reason = _first_line(error)
            mend = (
                "see that the Chroma server runs there"
                if self.url
                else f"mend its permissions or make room on its disk, or rebuild it: delete {where} and run `release-assistant ingest`"
            )
            raise StoreError(f"cannot {verb} the store {where}: {reason}; {mend}") from error

    def _record(self, text: str, meta: dict[str, Any]) -> Record:
        def span(key: str) -> Span | None:
            return Span(int(meta[f"{key}_start"]), int(meta[f"{key}_end"])) if int(meta[f"{key}_end"]) >= 0 else None

        try:
            blocks = _blocks(str(meta["blocks"]))
            document = Document(str(meta["name"]), text, blocks, span("title"), span("date"), span("issuer"))
            record = Record(document, str(meta["version"]), str(meta["source"]), int(meta["passages"]))
        except (KeyError, ValueError, TypeError):
            raise StoreError(self._damaged("a document's row")) from None
        if meta.get("format") != FORMAT or document.hash != meta.get("text_hash"):
            raise StoreError(self._damaged(f"the text of {document.name}"))
        return record

    def _damaged(self, what: str) -> str:
        where = self.url or str(self.path)
        return (
            f"the store {where} is damaged: {what} is not what was stored; delete it and run `release-assistant ingest`"
        )


def _first_line(error: Exception) -> str:
    return re.sub(r"\s+", " ", str(error)).strip()[:200] or type(error).__name__


def _row_id(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _where(versions: Sequence[str]) -> dict[str, Any]:
    return {"version": {"$in": list(versions)}}


def _record_meta(record: Record) -> dict[str, Any]:
    document = record.document
    meta: dict[str, Any] = {"format": FORMAT, "name": document.name, "version": record.version, "source": record.source}
    meta |= {"passages": record.passages, "text_hash": document.hash, "blocks": _layout(document.blocks)}
    for key, span in (("title", document.title), ("date", document.date), ("issuer", document.issuer)):
        # Chroma keeps no None, and an upsert keeps keys that are left out.
        meta[f"{key}_start"], meta[f"{key}_end"] = (span.start, span.end) if span else (-1, -1)
    return meta


def _layout(blocks: Sequence[Block]) -> str:
    """Kinds and places of blocks as one string; Chroma keeps no lists of objects."""
    return " ".join(f"{b.kind}:{b.span.start}:{b.span.end}" for b in blocks)


def _blocks(layout: str) -> tuple[Block, ...]:
    """What `_layout` wrote.  Raises ValueError where it is broken."""
    found = []
    for piece in layout.split():
        kind, start, end = piece.split(":")
        if kind not in get_args(BlockKind):
            raise ValueError(kind)
        found.append(Block(cast(BlockKind, kind), Span(int(start), int(end))))
    return tuple(found)


def _passage_meta(passage: Passage) -> dict[str, Any]:
    section = passage.section
    return {
        "document": passage.document,
        "version": passage.version,
        "kind": passage.kind,
        "start": passage.span.start,
        "end": passage.span.end,
        "block_start": passage.block.start,
        "block_end": passage.block.end,
        "section_start": section.start if section else -1,
        "section_end": section.end if section else -1,
    }


def _passage(meta: dict[str, Any]) -> Passage:
    section = Span(meta["section_start"], meta["section_end"]) if meta["section_end"] >= 0 else None
    kind: PassageKind = "sentence" if meta["kind"] == "sentence" else "paragraph"
    return Passage(
        document=meta["document"],
        version=meta["version"],
        kind=kind,
        span=Span(meta["start"], meta["end"]),
        block=Span(meta["block_start"], meta["block_end"]),
        section=section,
    )
