"""What the reader is taught: rows that say what their paragraph says."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from eval.cases import Case, Gold
from eval.lessons import (
    NO_SPAN,
    VERDICTS,
    Blur,
    Source,
    Stream,
    load_source,
    make,
    memberships,
    put,
    spelt_out,
)
from eval.polar import alike, member, polar

PARAGRAPH = (
    "The dam at Orrin burst in 1987 and again in 1994. Bo Chan rebuilt it. "
    "The states that paid were Peru, Chile and the Netherlands. Ann Lee of the Blue Fund counted 412 farms."
)
ASKED = [
    ("In what year did the dam burst first?", "1987"),
    ("In what year did the dam burst again?", "1994"),
    ("Who rebuilt the dam?", "Bo Chan"),
    ("Who counted the farms?", "Ann Lee"),
    ("How many farms were counted?", "412"),
]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    found = Tokenizer.from_file("data/models/reader/tokenizer.json")
    found.no_truncation()
    found.no_padding()
    return found


@pytest.fixture(scope="module")
def source(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Source:
    qas = [{"question": q, "answers": [{"text": a, "answer_start": PARAGRAPH.index(a)}]} for q, a in ASKED]
    qas.append({"question": "In what year did the mill burn?", "answers": [], "is_impossible": True})
    other = {"context": "Snow fell on the hills. Nobody was hurt.", "qas": []}
    path = Path(tmp_path_factory.mktemp("squad")) / "tiny.json"
    path.write_text(json.dumps({"data": [{"paragraphs": [{"context": PARAGRAPH, "qas": qas}, other]}]}))
    return load_source(path, tokenizer)


@given(st.integers(0, 10_000))
def test_an_answer_row_holds_its_answer(tokenizer: Tokenizer, source: Source, seed: int) -> None:
    rng = random.Random(seed)
    cls, sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    pair = rng.choice(source.answerable)
    row = make(pair, source.contexts[pair.context], "answer", rng, cls, sep)
    assert row is not None
    first, last = row.span
    assert tokenizer.decode(row.ids[first : last + 1]) == pair.answer.lower()
    near = make(pair, source.contexts[pair.context], "near", rng, cls, sep)
    if near is not None:
        assert near.span == NO_SPAN
        assert pair.answer.lower() not in tokenizer.decode(near.ids[near.begin :])


@given(st.integers(0, 10_000))
def test_a_blurred_row_keeps_its_answer_and_what_it_lacks(tokenizer: Tokenizer, source: Source, seed: int) -> None:
    rng = random.Random(seed)
    cls, sep, mask = (tokenizer.token_to_id(t) for t in ("[CLS]", "[SEP]", "[MASK]"))
    for pairs, kind in ((source.answerable, "answer"), (source.unanswerable, "adversarial")):
        pair = rng.choice(pairs)
        row = make(pair, source.contexts[pair.context], kind, rng, cls, sep)
        assert row is not None
        before = list(row.ids)
        after = Blur(0.6, mask)(row, rng)
        changed = [i for i, (a, b) in enumerate(zip(before, after.ids, strict=True)) if a != b]
        assert all(after.ids[i] == mask and before[i] not in (cls, sep) for i in changed)
        assert not any(row.span[0] <= i <= row.span[1] for i in changed)
        if kind == "adversarial":  # one word may be all that it lacks
            assert all(i >= row.begin for i in changed)


def test_a_stream_draws_every_sort_of_row(tokenizer: Tokenizer, source: Source) -> None:
    rng = random.Random(0)
    source.judged += put(source, tokenizer, 5, rng)
    cls, sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    stream = Stream(
        {"tiny": source}, {"tiny": 1.0}, 0.4, [], 0.0, rng, cls, sep, Blur(0.08, tokenizer.token_to_id("[MASK]"))
    )
    rows = [r for r in (stream.row(1.0) for _ in range(200)) if r is not None]
    assert {r.verdict for r in rows} >= {VERDICTS.index(v) for v in ("none", "yes", "no")}
    assert any(r.span != NO_SPAN for r in rows)


def test_questions_and_answers_make_yes_or_no_questions(tokenizer: Tokenizer, source: Source) -> None:
    made = {(p.text, VERDICTS[p.verdict]) for p in put(source, tokenizer, 5, random.Random(0))}
    assert ("Was it Bo Chan who rebuilt the dam?", "yes") in made
    assert ("Was it Ann Lee who rebuilt the dam?", "no") in made
    assert ("Did the dam burst first in 1994?", "no") in made
    assert any(text.startswith("Did the mill burn in") and verdict == "none" for text, verdict in made)


@pytest.mark.parametrize(
    ("question", "answer", "before", "expected"),
    [
        ("Where was she born?", "Oslo", "a child of ", "Was she born in Oslo?"),
        ("How many cats were saved?", "nine", "", "Were nine cats saved?"),
        ("How many cats did Ann save?", "nine", "", "Did Ann save nine cats?"),
        ("Which club did he join?", "the Owls", "", "Did he join the Owls?"),
        ("Which country has the longest coast?", "Canada", "", "Was it Canada that has the longest coast?"),
        ("What is the river also known as?", "the Blue", "", "Is the river also known as the Blue?"),
        ("Why did he leave?", "the noise", "", None),
        ("What did she say?", "nothing", "", None),
    ],
)
def test_polar(question: str, answer: str, before: str, expected: str | None) -> None:
    assert polar(question, answer, before) == expected


def test_lists_make_questions_of_membership(tokenizer: Tokenizer, source: Source) -> None:
    listed = source.answerable[0]
    spans = tuple((PARAGRAPH.index(n), PARAGRAPH.index(n) + len(n)) for n in ("Peru", "Chile", "the Netherlands"))
    source.answerable.append(
        type(listed)("Which states paid?", listed.ids, listed.words, 0, spans[0], "Peru", items=spans)
    )
    made = {(p.text, VERDICTS[p.verdict]) for p in memberships(source, tokenizer, random.Random(0))}
    assert ("Is Peru one of the states that paid?", "yes") in made
    assert ("Is Bo Chan one of the states that paid?", "no") in made
    assert member("Why did they pay?", "Peru") is None
    assert not alike("Ann Lee", "Lee")


@pytest.mark.parametrize(
    ("quote", "number", "items"),
    [
        ("The council closed wards in Orrin, Sable and Upper Kest.", 3, ["Orrin", "Sable", "Upper Kest"]),
        ("The rules:\n- no work in a port,\n- no meetings", 2, ["no work in a port,", "no meetings"]),
        ("The wards in Orrin and Sable were closed", 5, []),
    ],
)
def test_what_a_count_counts(quote: str, number: int, items: list[str]) -> None:
    case = Case(
        id="c", question="How many?", document="d.txt", document_hash="0" * 64, category="enumerated", answerable="yes", split="train",
        answers=(str(number),), answer_type="number", facts=((str(number),),), gold=(Gold(start=7, end=7 + len(quote), quote=quote),),
    )  # fmt: skip
    assert [quote[a - 7 : b - 7] for a, b in spelt_out(case)] == items
