"""Lists, dates and verification: what a draft may and may not become."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant import dates
from assistant.candidates import whole as whole_span
from assistant.enumeration import items
from assistant.schema import Document, Draft, Evidence, Question, Span
from assistant.verify import UnverifiedDraft, verify

TEXT = "Backed since 2019 by Peru, the Czech Republic, Chile, the United Kingdom and Ghana, as well as the African Union. It rained."
DOCUMENT = Document("a.txt", TEXT)


def listed(text: str, around: str) -> list[str]:
    start = text.index(around)
    return [text[s.start : s.end] for s in items(text, Span(start, start + len(around)))]


def test_a_list_is_found_whole_from_any_of_its_items() -> None:
    whole = ["Peru", "the Czech Republic", "Chile", "the United Kingdom", "Ghana", "the African Union"]
    for item in whole:
        assert listed(TEXT, item) == whole
    assert listed("They want bread, work and peace.", "bread, work and peace") == ["bread", "work", "peace"]
    assert listed("He met journalists, lawyers, and activists convicted of treason.", "journalists, lawyers") == [
        "journalists",
        "lawyers",
        "activists",
    ]
    assert listed("He met journalists, lawyers, and activists convicted of treason.", "journalists") == [
        "journalists",
        "lawyers",
        "activists",
    ]
    assert listed("The mayor spoke.", "mayor") == ["mayor"]
    assert listed("He fled in May, and police searched the house.", "May") == ["May"]


@given(st.text(alphabet="Ab c.,\n", max_size=30), st.integers(0, 29), st.integers(1, 10))
def test_a_name_grows_to_its_end_and_no_further(text: str, start: int, length: int) -> None:
    if start >= len(text):
        return
    span = Span(start, min(len(text), start + length))
    whole = whole_span(span, text)
    assert whole.start == span.start
    more = text[span.end : whole.end]
    assert all(word[:1].isupper() for word in more.split())
    assert not set(more) & set(".,\n")
    assert whole_span(whole, text) == whole


def test_dates() -> None:
    assert dates.first_date("Rome, 3 May 2024 — rain") == Span(6, 16)
    assert dates.first_date("May 3rd, 2024") == Span(0, 13)
    assert dates.first_date("it may rain in 2024") is None
    assert dates.parse("13 December", date(2025, 1, 1)) == date(2025, 12, 13)
    assert [TEXT[s.start : s.end] for s in dates.dates(TEXT)] == ["2019"]


def test_an_answer_needs_support_and_every_marker_a_place() -> None:
    question = Question("Who?")
    good = verify(Draft("answered", ("Peru.", 0), (Evidence("a.txt", Span(0, 10)),)), question, {"a.txt": DOCUMENT})
    assert good.answer == "Peru. [1]"
    assert good.citations[0].quote == TEXT[0:10]
    for draft in (
        Draft("answered", ("Peru.",)),
        Draft("answered", ("Peru.", 1), (Evidence("a.txt", Span(0, 10)),)),
        Draft("answered", ("Peru.", 0), (Evidence("b.txt", Span(0, 10)),)),
        Draft("answered", ("Peru.", 0), (Evidence("a.txt", Span(0, 9999)),)),
        Draft("answered", ("Peru.", 0), (Evidence("a.txt", Span(3, 3)),)),
        Draft("answered", ("Peru.", 0), (Evidence("a.txt", Span(0, 10), "nearest"),)),
    ):
        with pytest.raises(UnverifiedDraft):
            verify(draft, question, {"a.txt": DOCUMENT})


@given(
    st.lists(st.one_of(st.text(max_size=20), st.integers(-1, 4)), max_size=8),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), max_size=5),
)
def test_whatever_is_drafted_only_exact_quotes_and_valid_markers_come_out(
    parts: list[str | int], places: list[tuple[int, int]]
) -> None:
    import re

    evidence = tuple(Evidence("a.txt", Span(min(p), max(p))) for p in places)
    try:
        answer = verify(Draft("answered", tuple(parts), evidence), Question("?"), {"a.txt": DOCUMENT})
    except UnverifiedDraft:
        return
    for c in answer.citations:
        assert c.quote == TEXT[c.start : c.end]
    assert {int(n) for n in re.findall(r"\[(\d+)\]", answer.answer)} <= {c.n for c in answer.citations}
