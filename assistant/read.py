"""The trained reader on ONNX Runtime: question and passages in, spans and verdicts out.  Knows tokens, not retrieval.

The model is all-MiniLM-L6-v2 with a span head, an answerability head and a verdict head, trained by `eval.train`; its
card lies beside it.  The null answer is the [CLS] token (Devlin et al. 2019, arXiv 1810.04805, section 4.3).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assistant.embed import verify_file
from assistant.errors import ModelError
from assistant.schema import Document, Passage, Reading, Span

MAX_QUESTION_TOKENS = 64
MAX_CONTEXT_TOKENS = 320
MAX_ANSWER_TOKENS = 100
BEST_SPANS = 6
BATCH_TOKENS = 4096


class OnnxReader:
    """Reads passages with the model in `folder` (``reader.onnx``, ``tokenizer.json``, ``reader.json`` with their hashes).

    The weights are loaded, after their hash is checked, with the first question.
    """

    def __init__(self, folder: Path, threads: int = 2) -> None:
        self.folder = folder
        self.threads = threads
        self._session: Any = None
        self._tokenizer: Any = None
        self._lock = threading.Lock()

    def read(self, question: str, passages: Sequence[Passage], documents: Mapping[str, Document]) -> list[Reading]:
        """One reading a passage, in their order.  Raises ModelError where the weights are missing or changed."""
        texts = [documents[p.document].slice(p.span) for p in passages]
        found = self.read_texts(question, texts)
        return [
            Reading(
                p,
                tuple((Span(p.span.start + s, p.span.start + e), score) for (s, e), score in spans),
                answerable,
                verdict,
            )
            for p, (spans, answerable, verdict) in zip(passages, found, strict=True)
        ]

    def read_texts(
        self, question: str, texts: Sequence[str]
    ) -> list[tuple[list[tuple[tuple[int, int], float]], float, tuple[float, float, float]]]:
        """For each text: best spans (characters) with scores, the answerable logit, the verdict logits."""
        self._load()
        head = self._tokenizer.encode(question, add_special_tokens=False).ids[:MAX_QUESTION_TOKENS]
        rows = []
        for text in texts:
            encoding = self._tokenizer.encode(text, add_special_tokens=False)
            rows.append((encoding.ids[:MAX_CONTEXT_TOKENS], encoding.offsets[:MAX_CONTEXT_TOKENS]))
        order = sorted(range(len(rows)), key=lambda i: len(rows[i][0]))
        results: list[Any] = [None] * len(rows)
        batch: list[int] = []
        for i in order:
            if batch and (len(batch) + 1) * (len(rows[i][0]) + len(head) + 3) > BATCH_TOKENS:
                self._run(head, batch, rows, results)
                batch = []
            batch.append(i)
        if batch:
            self._run(head, batch, rows, results)
        return [
            ([(snap(text, *span), score) for span, score in spans], answerable, verdict)
            for text, (spans, answerable, verdict) in zip(texts, results, strict=True)
        ]

    def _run(self, head: list[int], batch: list[int], rows: list[Any], results: list[Any]) -> None:
        import numpy as np

        begin = len(head) + 2
        width = max(len(rows[i][0]) for i in batch) + begin + 1
        ids = np.zeros((len(batch), width), dtype=np.int64)
        mask, types = np.zeros_like(ids), np.zeros_like(ids)
        for row, i in enumerate(batch):
            sequence = [self._cls, *head, self._sep, *rows[i][0], self._sep]
            ids[row, : len(sequence)] = sequence
            mask[row, : len(sequence)] = 1
            types[row, begin : len(sequence)] = 1
        outputs = self._session.run(None, {"ids": ids, "mask": mask, "types": types})
        starts, ends, answerable, verdict = outputs
        for row, i in enumerate(batch):
            n = len(rows[i][0])
            null = float(starts[row, 0] + ends[row, 0])
            spans = _best(starts[row, begin : begin + n], ends[row, begin : begin + n], rows[i][1], null)
            logits = tuple(float(x) for x in verdict[row])
            results[i] = (spans, float(answerable[row]), logits)

    def card(self) -> dict[str, Any]:
        """The hashes of the files, and the threshold on SQuAD.  Raises ModelError where it cannot be read."""
        path = self.folder / "reader.json"
        try:
            card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return {"sha256": dict(card["sha256"]), "squad_threshold": float(card["squad_threshold"])}
        except (OSError, ValueError, KeyError, TypeError):
            raise ModelError(f"the reader's card {path} cannot be read: install release-assistant again") from None

    def fingerprint(self) -> str:
        """The start of the weights' SHA-256."""
        return str(self.card()["sha256"]["reader.onnx"])[:12]

    def squad_threshold(self) -> float:
        """The frozen score from which an answer is given on SQuAD (span and answerable logits together)."""
        return float(self.card()["squad_threshold"])

    def _load(self) -> None:
        with self._lock:
            if self._session is None:
                self._open()

    def _open(self) -> None:
        hashes = self.card()["sha256"]
        for name in ("reader.onnx", "tokenizer.json"):
            verify_file(self.folder / name, hashes[name])
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.log_severity_level = 3
        self._tokenizer = Tokenizer.from_file(str(self.folder / "tokenizer.json"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._cls, self._sep = self._tokenizer.token_to_id("[CLS]"), self._tokenizer.token_to_id("[SEP]")
        self._session = onnxruntime.InferenceSession(
            str(self.folder / "reader.onnx"), options, providers=["CPUExecutionProvider"]
        )

    def knows(self, word: str) -> bool:
        """Whether `word` (lower case) is one whole word of the model's vocabulary: a common English word or name."""
        self._load()
        return self._tokenizer.token_to_id(word) is not None


def snap(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without half words: a currency sign, an address or a percent sign belongs to what it stands at.

    >>> snap("It cost €5 million.", 9, 18), snap("ask ir@firm.example now", 4, 11)
    ((8, 18), (4, 19))
    """
    while start > 0 and (
        (text[start - 1].isalnum() and text[start].isalnum())
        or text[start - 1] in "€$£@"
        or (text[start - 1] == "-" and text[start - 2 : start - 1].isalnum())
    ):
        start -= 1
    while end < len(text):
        joined = text[end] in ".@_-" and text[end + 1 : end + 2].isalnum() and text[end - 1].isalnum()
        if not (joined or text[end] == "%" or (text[end].isalnum() and text[end - 1].isalnum())):
            break
        end += 2 if joined else 1
    return start, end


def _best(start: Any, end: Any, offsets: list[tuple[int, int]], null: float) -> list[tuple[tuple[int, int], float]]:
    """The BEST_SPANS spans by start + end - null, no two of which begin and end within one another's first ones."""
    import numpy as np

    if not len(start):
        return []
    scores = start[:, None] + end[None, :]
    reach = np.arange(len(end))[None, :] - np.arange(len(start))[:, None]
    scores = np.where((reach >= 0) & (reach < MAX_ANSWER_TOKENS), scores, -np.inf)
    flat = np.argsort(scores, axis=None)[::-1][: BEST_SPANS * 4]
    found: list[tuple[tuple[int, int], float]] = []
    taken: set[tuple[int, int]] = set()
    for index in flat:
        s, e = divmod(int(index), len(end))
        if not np.isfinite(scores[s, e]):
            break
        span = (offsets[s][0], offsets[e][1])
        if span in taken or span[0] >= span[1]:
            continue
        taken.add(span)
        found.append((span, float(scores[s, e]) - null))
        if len(found) == BEST_SPANS:
            break
    return found
