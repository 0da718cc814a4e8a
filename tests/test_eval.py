"""Cases, judgements and figures: each can fail, and says where."""

import json
from pathlib import Path

import pytest

from assistant.errors import CaseError
from assistant.schema import Span
from data import resource
from eval.cases import load_cases
from eval.judge import judge
from eval.metrics import ece, wilson
from eval.squad import best_threshold, figures
from eval.text import exact, f1, holds

GOOD = {
    "id": "a-1", "question": "How many?", "document": "a.txt", "document_hash": "0" * 64, "category": "count", "answerable": "yes",
    "answers": ["12"], "answer_type": "number", "facts": [["12", "twelve"]], "forbidden": ["13"],
    "gold": [{"start": 0, "end": 2, "quote": "12"}], "split": "dev",
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"category": "riddle"}, "a.jsonl:1: category: Input should be 'lookup'"),
        ({"answerable": "maybe"}, "a.jsonl:1: answerable: Input should be 'yes'"),
        ({"question": ""}, "a.jsonl:1: question: String should have at least 1"),
        ({"split": None}, "a.jsonl:1: split: Input should be 'train'"),
        ({"gold": [{"start": -1, "end": 2, "quote": "12"}]}, "a.jsonl:1: gold.0.start: Input should be greater"),
        ({"colour": "red"}, "a.jsonl:1: colour: Extra inputs are not permitted"),
        ({"answers": []}, "a.jsonl:1: case: Value error, an answerable case needs"),
        ({"document_hash": "abc"}, "a.jsonl:1: document_hash: String should match"),
        ({"facts": [[]]}, "a.jsonl:1: case: Value error, facts: every fact"),
        ({"answerable": "chat"}, "a.jsonl:1: case: Value error, a case that is chat has no answers"),
    ],
)
def test_a_malformed_case_is_named_by_file_line_and_field(write, change: dict[str, object], said: str) -> None:
    with pytest.raises(CaseError) as caught:
        load_cases([write("a.jsonl", json.dumps(GOOD | change))])
    assert str(caught.value).startswith(said)


def test_duplicates_broken_lines_and_wrong_gold_are_named(write) -> None:
    with pytest.raises(CaseError, match=r"a.jsonl:2: id: 'a-1' stands at a.jsonl:1"):
        load_cases([write("a.jsonl", json.dumps(GOOD) + "\n" + json.dumps(GOOD))])
    with pytest.raises(CaseError, match=r"a.jsonl:1: line: Invalid JSON"):
        load_cases([write("a.jsonl", "{")])
    with pytest.raises(CaseError, match="document_hash: a.txt has changed"):
        load_cases([write("a.jsonl", json.dumps(GOOD))], {"a.txt": "13 cats"})


def answer(text: str, status: str = "answered", start: int = 0, end: int = 2) -> dict[str, object]:
    citations = [{"n": 1, "document": "a.txt", "start": start, "end": end, "quote": "12"}]
    return {"status": status, "answer": text, "citations": citations if status == "answered" else [], "confidence": 0.9}


def test_judgements(write) -> None:
    (case,) = load_cases([write("a.jsonl", json.dumps(GOOD))])
    assert judge(case, answer("12 cats. [1]")).outcome == "right"
    assert judge(case, answer("112 cats. [1]")).outcome == "wrong"
    assert judge(case, answer("13 cats. [1]\n“12 or 13”")).outcome == "wrong"
    assert judge(case, answer("The release does not say.", "abstained")).outcome == "abstained"
    none = case.model_copy(update={"answerable": "not_in_document", "answers": (), "facts": (), "gold": ()})
    assert judge(none, answer("12.")).outcome == "wrong"
    assert judge(none, answer("It does not say.", "abstained")).outcome == "right"
    premise = case.model_copy(update={"answerable": "false_premise", "facts": ()})
    assert judge(premise, answer("The release says otherwise. [1]")).outcome == "right"
    assert judge(premise, answer("The release says otherwise. [1]", start=50, end=60)).outcome == "wrong"
    assert judge(premise, answer("In May. [1]")).outcome == "wrong"


def test_an_error_is_wrong_whatever_was_asked(write) -> None:
    (case,) = load_cases([write("a.jsonl", json.dumps(GOOD))])
    failed = {"status": "error", "answer": "the store is gone", "citations": [], "confidence": 0.0}
    none = case.model_copy(update={"answerable": "not_in_document", "answers": (), "facts": (), "gold": ()})
    premise = case.model_copy(update={"answerable": "false_premise", "facts": ()})
    chat = none.model_copy(update={"answerable": "chat"})
    assert {judge(c, failed).outcome for c in (case, none, premise, chat)} == {"wrong"}


def test_other_line_ends_are_text(write) -> None:
    line = json.dumps(GOOD | {"question": "How\u2028many\u0085?"}, ensure_ascii=False)
    (case,) = load_cases([write("a.jsonl", line + "\n")])
    assert case.question == "How\u2028many\u0085?"


def test_text_scores() -> None:
    assert exact("The cat!", ["cat"]) == 1.0
    assert exact("", []) == 1.0
    assert f1("the big cat", ["cat"]) == pytest.approx(2 / 3)
    assert f1("dog", []) == 0.0
    assert holds("More than 1,100 remain", "1,100")
    assert not holds("More than 1,100 remain", "100")
    assert not holds("1234", "123")


def test_wilson_and_ece_agree_with_published_values() -> None:
    # Newcombe 1998, Statistics in Medicine 17, table I: 81 of 263, Wilson without continuity correction.
    low, high = wilson(81, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert ece([0.95] * 20, [True] * 19 + [False]) == pytest.approx(0.0)
    assert ece([0.95] * 20, [False] * 20) == pytest.approx(0.95)


def test_squad_figures_and_threshold() -> None:
    scored = [("cat", 3.0), ("dog", 2.0), ("cow", -1.0), ("pig", 1.0)]
    golds = [["cat"], ["dog"], [], []]
    assert best_threshold(scored, golds) == 2.0
    assert figures(scored, golds, 2.0) == {
        "exact": 100.0, "f1": 100.0, "HasAns_exact": 100.0, "HasAns_f1": 100.0, "NoAns_f1": 100.0, "total": 4, "threshold": 2.0,
    }  # fmt: skip
    assert figures(scored, golds, 0.5)["NoAns_f1"] == 50.0


def test_the_bundled_cases_are_sound_and_do_not_share_documents_between_splits() -> None:
    from ingest.load import load

    documents = [resource("release.txt"), *sorted(resource("eval/documents").iterdir())]
    texts = {d.name: load(d, 10**7, 10**7).text for d in documents}
    cases = load_cases(sorted(Path(resource("eval")).glob("*.jsonl")), texts)
    of_release = [c for c in cases if c.document == "release.txt"]
    assert len(of_release) >= 300
    invented: dict[str, set[str]] = {}
    for c in cases:
        if c.document != "release.txt":
            invented.setdefault(c.split, set()).add(c.document)
    assert len(invented["test"]) >= 10
    assert not invented["test"] & (invented["train"] | invented["dev"])
    assert all(c.split != "train" for c in of_release), "the release itself is never trained on"


def test_retrieval_figures_agree_with_a_second_implementation() -> None:
    import numpy as np
    from sklearn.metrics import label_ranking_average_precision_score, ndcg_score

    from assistant.schema import Span
    from eval.metrics import hit, ndcg, recall, reciprocal_rank, relevances

    rng = np.random.default_rng(0)
    for _ in range(200):
        found = [int(x) for x in rng.integers(0, 2, size=8)]
        if not any(found):
            assert ndcg(found, 1, 8) == reciprocal_rank(found, 8) == hit(found, 8) == 0.0
            continue
        scores = [list(range(8, 0, -1))]
        assert ndcg(found, sum(found), 8) == pytest.approx(ndcg_score([found], scores))
        first = [0] * 8
        first[found.index(1)] = 1
        assert reciprocal_rank(found, 8) == pytest.approx(label_ranking_average_precision_score([first], scores))
    places = [[0, 10], [0, 10], [20, 30]]
    assert relevances(places, [Span(25, 26)]) == [0, 1]
    assert recall(places, [Span(5, 6), Span(40, 41)], 2) == 0.5


def test_risk_and_coverage() -> None:
    from eval.metrics import risk_coverage

    assert risk_coverage([0.9, 0.5, 0.7], [True, False, True]) == [(1 / 3, 0.0), (2 / 3, 0.0), (1.0, 1 / 3)]


def test_the_schema_file_is_that_of_the_loader() -> None:
    from eval.cases import Case

    assert json.loads(resource("eval/case.schema.json").read_text(encoding="utf-8")) == Case.model_json_schema()


def test_squad_json_becomes_documents_and_cases(tmp_path: Path, write) -> None:
    from eval.interchange import import_squad
    from ingest.load import load

    context = "Ada  Lovelace wrote notes.\nShe met Babbage in 1833."
    at = context.index("1833")
    qas = [
        {"id": "1", "question": "When did she meet Babbage?", "answers": [{"text": "1833", "answer_start": at}]},
        {"id": "2", "question": "Who sang?", "answers": [], "is_impossible": True},
        {"id": "3", "question": "Where?", "answers": [{"text": "London", "answer_start": 0}]},
    ]
    data = {
        "data": [
            {"title": "Ada/../x", "paragraphs": [{"context": "First.", "qas": []}, {"context": context, "qas": qas}]}
        ]
    }
    table = {"id": "4", "question": "Who?", "answers": [{"text": "Bo", "answer_start": 0}]}
    data["data"][0]["paragraphs"].append({"context": "Bo **is** in [the](http://x.test) hall.", "qas": [table]})

    def stored(path: Path) -> str:
        return load(path, 10**6, 10**6).text

    path, count, left = import_squad(write("s.json", json.dumps(data)), tmp_path / "out", stored)
    assert (count, left) == (2, 2)
    (document,) = (tmp_path / "out").glob("*.txt")
    texts = {document.name: load(document, 10**6, 10**6).text}
    first, second = load_cases([path], texts)
    assert first.gold[0].quote == texts[document.name][first.gold[0].start : first.gold[0].end] == "1833"
    assert second.answerable == "not_in_document"
    with pytest.raises(CaseError, match="not SQuAD 2.0 JSON"):
        import_squad(write("bad.json", "[]"), tmp_path, stored)


def test_retrieval_agrees_with_llamaindex(assistant) -> None:
    from eval.metrics import hit, reciprocal_rank, relevances
    from eval.retriever import llama_figures
    from eval.run import retrieved

    cases = [c for c in load_cases([resource("eval/release-dev.jsonl")]) if c.answerable == "yes"][:12]
    theirs = llama_figures(cases, assistant.retriever)
    ours = [relevances(retrieved(c, assistant), [Span(g.start, g.end) for g in c.gold]) for c in cases]
    assert theirs["n"] == 12
    assert theirs["hit_rate"] == pytest.approx(sum(hit(f, 8) for f in ours) / 12)
    assert theirs["mrr"] == pytest.approx(sum(reciprocal_rank(f, 8) for f in ours) / 12)


def test_an_llm_judge_is_measured_before_it_is_believed() -> None:
    from eval.llm_judge import LlmJudge, agreement, known

    cases = load_cases([resource("eval/release-dev.jsonl")])
    pairs = known(cases, 40)
    assert len(pairs) == 40
    assert sum(right for _, _, right in pairs) == 20
    truth = {(c.question, a): right for c, a, right in pairs}

    def perfect(prompt: str) -> str:
        question, _, answer = prompt.split("Question: ")[1].partition("\nReference answer: ")
        said = answer.split("\nAnswer to judge: ")[1].removesuffix("\nVerdict:")
        return "RIGHT" if truth.get((question, said)) else "WRONG"

    assert agreement(LlmJudge("perfect", perfect), pairs)["agreement"]["value"] == 1.0
    told = agreement(LlmJudge("yes-man", lambda prompt: "Right."), pairs)
    assert (told["agreement"]["value"], told["kappa"]) == (0.5, 0.0)
    for torn in ("RIGHT or WRONG", "NOT RIGHT", "The answer is not right.", ""):
        assert agreement(LlmJudge("torn", lambda prompt, torn=torn: torn), pairs)["no verdict"] == 40


def test_coverage_counts_cases_by_sentence() -> None:
    from eval.cases import Case
    from eval.coverage import touched

    case = Case.model_validate(GOOD)
    assert touched([case, case], "a.txt", [Span(0, 1), Span(5, 9)]) == [(Span(0, 1), 2), (Span(5, 9), 0)]
    assert touched([case], "b.txt", [Span(0, 1)]) == [(Span(0, 1), 0)]


def test_every_sentence_of_the_release_is_touched(assistant) -> None:
    from eval.coverage import touched

    cases = load_cases([resource("eval/release-dev.jsonl"), resource("eval/release-test.jsonl")])
    sentences = [p.span for p in assistant.retriever.corpus().sentences_of("release.txt")]
    bare = [s for s, n in touched(cases, "release.txt", sentences) if not n]
    assert not bare
