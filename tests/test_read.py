"""The reader: what it finds first, what it thinks of it on second reading, and how that is weighed."""

from __future__ import annotations

import random

from assistant.answer import Assistant
from assistant.read import OnnxReader
from eval.calibrate import Sample, fit_order

PLACE = (
    "The strike at the Orwin shipyard ended on 4 May. Dana Feld, who chairs the works council, called the deal fair; "
    "the owner, Petra Lund, did not comment. Welders, painters and crane drivers get 6 per cent more."
)


def test_the_second_reading_tells_a_right_answer_from_a_wrong_one(assistant: Assistant) -> None:
    asked = {
        "Who heads the works council?": ("Dana Feld", "Petra Lund"),
        "When was the strike over?": ("4 May", "6 per cent"),
        "Who owns the shipyard?": ("Petra Lund", "Dana Feld"),
        "How much more pay do they get?": ("6 per cent", "4 May"),
    }
    for question, (right, wrong) in asked.items():
        first, second = assistant.reader.check(question, [(right, PLACE), (wrong, PLACE)])
        assert first > second, question


def test_the_items_of_a_list_are_tagged(assistant: Assistant) -> None:
    reading = assistant.reader.read_texts("Which trades get more money?", [PLACE])[0]
    tagged = " ".join(PLACE[a:b] for (a, b), _ in reading.items)
    assert all(trade in tagged for trade in ("Welders", "painters", "crane drivers"))
    assert "Petra" not in tagged
    assert reading.missed < 0 < min(logit for _, logit in reading.items)


def test_nothing_to_read_is_nothing_found(assistant: Assistant) -> None:
    reader: OnnxReader = assistant.reader
    assert reader.read_texts("Who?", []) == []
    assert reader.check("Who?", []) == []
    assert reader.read_texts("Who?", [""])[0].spans == []


def test_the_order_is_fitted_within_each_case_not_across_cases() -> None:
    """The feature `level` is high in whole cases, right or wrong; only `good` orders within a case."""
    rng = random.Random(1)
    rows = []
    for case in range(60):
        level = rng.gauss(0, 3)
        scores = [rng.gauss(0, 1) for _ in range(4)]
        for score in scores:
            features = {"good": score, "level": level}
            rows.append(Sample(str(case), "d", "rank", features, score == max(scores)))
    weights = fit_order(rows)
    assert weights["good"] > 1
    assert abs(weights["level"]) < 0.01
    assert fit_order([r for r in rows if r.right]) == {}
