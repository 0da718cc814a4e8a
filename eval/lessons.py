"""What the reader is taught: questions on paragraphs, as rows of token ids, mixed by a curriculum.

Knows SQuAD-format files, cases and checks, not the model.  Windows are cropped at sentences, since the product reads
passages, not articles; three kinds of unanswerable pairs come in by a curriculum: another paragraph of the same article
(easy), the same paragraph without the answer's sentence (near), SQuAD 2.0's own (adversarial).
"""

from __future__ import annotations

import json
import lzma
import random
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assistant import compose, enumeration
from assistant.question import analyse, as_yes_no, parts
from assistant.schema import Span
from eval.cases import Case, json_lines, load_cases
from eval.polar import alike, member, polar

SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”’)]*\s+(?=[\"'“‘(]?[A-Z0-9])|\n+")
WORD = re.compile(r"\w+")
MAX_TOKENS = 320
MAX_QUESTION = 48  # tokens
MAX_ANSWER = 40
MAX_PLACE = 128
BATCH_TOKENS = 3584
CHUNK = 4096
NO_SPAN = (0, 0)
VERDICTS = ("none", "yes", "no")
UNSAID = -100  # what no loss counts


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
    """A question (its text, token ids, words) on context number `context`; `span` in characters, None where unanswerable.

    `verdict` is an index into VERDICTS for a yes-or-no question, UNSAID for any other; `items` are the spans of a list.
    """

    text: str
    ids: list[int]
    words: set[str]
    context: int
    span: tuple[int, int] | None
    answer: str
    verdict: int = UNSAID
    items: tuple[tuple[int, int], ...] = ()


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
            contexts.append(context_of(paragraph["context"], tokenizer))
            article.append(members)
            for qa in paragraph["qas"]:
                asks = asked(qa["question"], tokenizer)
                if "verdict" in qa:
                    judged.append(Pair(*asks, number, None, "", VERDICTS.index(qa["verdict"])))
                    continue
                if qa.get("is_impossible") or not qa["answers"]:
                    unanswerable.append(Pair(*asks, number, None, ""))
                    continue
                answers = qa["answers"]
                best = max(answers, key=lambda a: sum(a["text"] == b["text"] for b in answers))
                begin = best["answer_start"]
                span = (begin, begin + len(best["text"]))
                answerable.append(Pair(*asks, number, span, best["text"]))
    return Source(contexts, answerable, unanswerable, judged, article)


def context_of(text: str, tokenizer: Any) -> Context:
    """A paragraph, tokenised."""
    encoding = tokenizer.encode(text, add_special_tokens=False)
    begins = [0] + [m.end() for m in SENTENCE_END.finditer(text)]
    token_starts = [s for s, _ in encoding.offsets]
    starts = sorted({bisect_right(token_starts, b - 1) for b in begins})
    return Context(encoding.ids, encoding.offsets, starts, text, set(WORD.findall(text.lower())))


def asked(question: str, tokenizer: Any) -> tuple[str, list[int], set[str]]:
    """A question, its token ids and its words."""
    ids = tokenizer.encode(question.strip(), add_special_tokens=False).ids[:MAX_QUESTION]
    return question, ids, set(WORD.findall(question.lower()))


def memberships(source: Source, tokenizer: Any, rng: random.Random) -> list[Pair]:
    """Yes-or-no questions made of the lists of `source` (`eval.polar.member`): each item is one of them; what else its paragraph
    answers with, of the same kind, is not.
    """
    near: dict[int, list[str]] = {}
    for pair in source.answerable:
        text = source.contexts[pair.context].text
        spans = pair.items or ([pair.span] if pair.span else [])
        near.setdefault(pair.context, []).extend(text[a:b].strip(" ,;.") for a, b in spans)
    rows: list[Pair] = []
    for pair in source.answerable:
        text = source.contexts[pair.context].text
        items = [text[a:b].strip(" ,;.") for a, b in pair.items]
        others = sorted({n for n in near[pair.context] if all(alike(n, i) for i in items)})
        told = [(i, "yes") for i in rng.sample(items, min(4, len(items)))]
        told += [(o, "no") for o in rng.sample(others, min(len(told), len(others)))] if items else []
        for item, verdict in told:
            question = member(pair.text, item)
            if question:
                rows.append(Pair(*asked(question, tokenizer), pair.context, None, "", VERDICTS.index(verdict)))
    denied = [r for r in rows if r.verdict == VERDICTS.index("no")]
    held = [r for r in rows if r.verdict == VERDICTS.index("yes")]
    return denied + rng.sample(held, min(len(held), 2 * len(denied)))


def put(source: Source, tokenizer: Any, limit: int, rng: random.Random) -> list[Pair]:
    """At most `limit` yes-or-no questions of each verdict, made of the pairs of `source` (`eval.polar`): with the answer it is so;
    with another answer of its paragraph, to a question that opens with the same word, it is not; and where there is no
    answer, the text does not say.
    """
    near: dict[int, list[Pair]] = {}
    for pair in source.answerable:
        near.setdefault(pair.context, []).append(pair)

    def made(pair: Pair, answer: Pair, verdict: str) -> Pair | None:
        assert answer.span is not None
        before = source.contexts[answer.context].text[: answer.span[0]]
        question = polar(pair.text, answer.answer, before)
        return Pair(*asked(question, tokenizer), pair.context, None, "", VERDICTS.index(verdict)) if question else None

    def rival(pair: Pair) -> Pair | None:
        opening = pair.text.lower().split()[:1]
        found = [o for o in near.get(pair.context, []) if o is not pair and o.text.lower().split()[:1] == opening]
        found = [o for o in found if pair.span is None or alike(pair.answer, o.answer)]
        return rng.choice(found) if found else None

    kinds = {"yes": source.answerable, "no": source.answerable, "none": source.unanswerable}
    rows: list[Pair] = []
    for verdict, pairs in kinds.items():
        kept = 0
        for pair in rng.sample(pairs, len(pairs)):
            if kept == limit:
                break
            answer = pair if verdict == "yes" else rival(pair)
            row = made(pair, answer, verdict) if answer is not None else None
            if row is not None:
                rows.append(row)
                kept += 1
    return rows


def load_releases(folder: Path, tokenizer: Any) -> Source:
    """Whole releases with their cases: each case on its gold paragraph, one without on the paragraph that is most like it.

    What a question takes for granted is a yes-or-no question too: yes where it is answered, no where it is denied.
    """
    source = Source([], [], [], [], [])
    home: dict[str, list[tuple[int, int]]] = {}
    for path in sorted((folder / "documents").glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        spans = [m.span() for m in re.finditer(r"\S(?:.|\n(?!\n))*", text)]
        first = len(source.contexts)
        home[path.name] = [(first + i, start) for i, (start, _) in enumerate(spans)]
        source.contexts += [context_of(text[a:b], tokenizer) for a, b in spans]
        source.article += [list(range(first, first + len(spans)))] * len(spans)
    for case in load_cases([folder / "cases.jsonl"]):
        standing = parts(case.question)
        asks = asked(standing[0] if len(standing) == 1 else case.question, tokenizer)
        judged = analyse(case.question).kind == "yes_no"
        counted = case.category == "enumerated"
        question, golds = looked_for(case)
        if counted:
            asks = asked(question, tokenizer)
        if not case.gold:
            place = max((n for n, _ in home[case.document]), key=lambda n: len(source.contexts[n].words & asks[2]))
            pair = Pair(*asks, place, None, "", VERDICTS.index("none") if judged else UNSAID)
            (source.judged if judged else source.unanswerable).append(pair)
            continue
        place, start = max((at for at in home[case.document] if at[1] <= case.gold[0].start), key=lambda at: at[1])
        context = source.contexts[place]
        if case.category == "yes_no":
            source.judged.append(Pair(*asks, place, None, "", VERDICTS.index(case.answers[0].lower())))
            continue
        premise = as_yes_no(case.question)
        if premise is not None:
            held = "no" if case.answerable == "false_premise" else "yes"
            source.judged.append(Pair(*asked(premise, tokenizer), place, None, "", VERDICTS.index(held)))
        if case.answerable == "false_premise":
            source.unanswerable.append(Pair(*asks, place, None, ""))
        else:
            items = tuple(sorted((a - start, b - start) for a, b in golds))
            items = tuple(i for i in items if i[0] >= 0 and i[1] <= len(context.text))
            if not items:
                continue  # the gold runs over paragraphs
            span = (items[0][0], items[-1][1])
            several = items if counted or case.category == "list" else ()
            source.answerable.append(Pair(*asks, place, span, context.text[span[0] : span[1]], items=several))
    return source


def looked_for(case: Case) -> tuple[str, list[tuple[int, int]]]:
    """The question of a case, and where its answers stand; of a count of what is spelt out, the question for the things that are
    counted, and the things: they are looked for, then counted."""
    if case.category != "enumerated":
        return case.question, [(g.start, g.end) for g in case.gold]
    return compose.as_which(case.question) or case.question, spelt_out(case) if case.gold else []


def spelt_out(case: Case) -> list[tuple[int, int]]:
    """The things that a count counts, where the passage of the case parts into as many."""
    gold = case.gold[0]
    lines = [Span(m.start(), m.end()) for m in re.finditer(r"[^\n]+", gold.quote)]
    marked = [item for line in lines if (item := enumeration.unmarked(gold.quote, line)) != line]
    listed = enumeration.split(gold.quote, Span(gold.quote.rfind(": ") + 1, len(gold.quote)))
    for found in (marked, enumeration.items(gold.quote, listed[-1]), listed if ": " in gold.quote else []):
        if 2 <= len(found) == int(case.answers[0]):
            return [(gold.start + s.start, gold.start + s.end) for s in found]
    return []


def load_checks(path: Path, tokenizer: Any) -> list[Example]:
    """The second reading: question and answer, then the place that the answer was found in; whether it is right."""
    cls, sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    rows = []
    for line in json_lines(path):
        check = json.loads(line)
        question, answer, place = (
            tokenizer.encode(check[k].strip(), add_special_tokens=False).ids for k in ("question", "answer", "place")
        )
        head = [cls, *question[:MAX_QUESTION], sep, *answer[:MAX_ANSWER], sep]
        rows.append(Example([*head, *place[:MAX_PLACE], sep], len(head), NO_SPAN, right=int(check["right"])))
    return rows


@dataclass(slots=True)
class Example:
    """One training row: ids with special tokens, the index where the context begins, the gold token span; or a verdict, or
    whether the answer that the row holds is right.  `items` are the token spans of a list."""

    ids: list[int]
    begin: int
    span: tuple[int, int]
    verdict: int = UNSAID
    right: int = UNSAID
    items: tuple[tuple[int, int], ...] = ()


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
        first, last = tokens_of(pair.span, begins)
        if first < 0 or last < first or (last - first > 60 and not pair.items):
            return None
        anchor = bisect_right(bounds, first) - 1
        a, b = crop(context, anchor, room, rng)
        b = max(b, last + 1)
        if b - a > MAX_TOKENS:
            a = max(a, min(first, first - MAX_TOKENS // 2 + (last - first)))
            b = min(b, a + MAX_TOKENS)
        if last >= b or first < a:
            return None
        shift = len(head) - a
        items = tuple((f + shift, t + shift) for f, t in (tokens_of(i, begins) for i in pair.items))
        return Example([*head, *context.ids[a:b], sep], len(head), (first + shift, last + shift), items=items)
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
    verdict = VERDICTS.index("none") if kind == "easy" and pair.verdict != UNSAID else pair.verdict
    return Example([*head, *context.ids[a:b], sep], len(head), NO_SPAN, verdict)


@dataclass(slots=True)
class Blur:
    """Masks words of a row at random, so that it cannot be learnt by heart: `share` of its passage outside the answer and, where
    there is an answer, half that share of the question.  A question without an answer keeps its words, since one word
    may be all that it lacks; so does a row that asks for a verdict or checks an answer.
    """

    share: float
    mask: int

    def __call__(self, row: Example, rng: random.Random) -> Example:
        """The row itself, its ids changed."""
        if row.verdict != UNSAID or row.right != UNSAID or rng.random() < 0.3:
            return row
        answered = row.span != NO_SPAN
        for i in range(1, len(row.ids) - 1):
            asks = i < row.begin - 1
            share = self.share / 2 * answered if asks else self.share
            if i != row.begin - 1 and rng.random() < share and not row.span[0] <= i <= row.span[1]:
                row.ids[i] = self.mask
        return row


def tokens_of(span: tuple[int, int], begins: list[int]) -> tuple[int, int]:
    """The first and the last token of a span of characters."""
    return bisect_right(begins, span[0]) - 1, bisect_right(begins, span[1] - 1) - 1


class Stream:
    """An endless stream of training rows, mixed by `progress` (0 to 1): the curriculum."""

    def __init__(
        self,
        sources: dict[str, Source],
        weights: dict[str, float],
        judged: float,
        checks: Sequence[Example],
        checked: float,
        rng: random.Random,
        cls: int,
        sep: int,
        blur: Blur,
    ) -> None:
        self.sources, self.rng, self.cls, self.sep, self.blur = sources, rng, cls, sep, blur
        self.weights, self.judged = weights, judged
        self.checks, self.checked = checks, checked
        self.judges = {n: len(s.judged) for n, s in sources.items() if s.judged}
        self.queues: dict[tuple[str, str], list[Pair]] = {}

    def draw(self, name: str, which: str) -> Pair:
        key = (name, which)
        if not self.queues.get(key):
            pairs: list[Pair] = getattr(self.sources[name], which)
            self.queues[key] = self.rng.sample(pairs, len(pairs))
        return self.queues[key].pop()

    def row(self, progress: float) -> Example | None:
        rng = self.rng
        if rng.random() < self.checked:
            return rng.choice(self.checks)
        if rng.random() < self.judged:
            name = rng.choices(list(self.judges), list(self.judges.values()))[0]
            source = self.sources[name]
            pair = self.draw(name, "judged")
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
                rows.append(self.blur(row, self.rng))
        rows.sort(key=lambda r: len(r.ids))
        batches: list[list[Example]] = [[]]
        for row in rows:
            if len(batches[-1]) * len(row.ids) >= BATCH_TOKENS:
                batches.append([])
            batches[-1].append(row)
        self.rng.shuffle(batches)
        yield from batches
