"""Spans first: every character that is not white space lies in a paragraph and in a sentence, and ids are stable."""

from hypothesis import given
from hypothesis import strategies as st

from data import resource
from ingest.load import assemble, load, read_txt
from ingest.passages import MAX_PARAGRAPH, MAX_SENTENCE, embedded_text, split, version

LINES = st.lists(st.text(alphabet="ab. \n|-•1A“", max_size=200), max_size=12)


@given(LINES)
def test_every_character_lies_in_a_passage_of_each_size(lines: list[str]) -> None:
    document = assemble("a.txt", list(read_txt("\n".join(lines).encode())))
    passages = split(document, "v")
    for kind, longest in (("sentence", MAX_SENTENCE), ("paragraph", MAX_PARAGRAPH)):
        covered = set()
        for p in passages:
            if p.kind == kind:
                assert 0 < len(p.span) <= longest
                covered |= set(range(p.span.start, p.span.end))
        assert all(document.text[i].isspace() for i in set(range(len(document.text))) - covered)
    assert len({p.id for p in passages}) == len(passages)


def test_repeated_rows_keep_places_of_their_own() -> None:
    rows = "\n".join(["Total | 10 | 20"] * 40)
    document = assemble("a.txt", list(read_txt(f"Figures\n\n{rows}\n".encode())))
    sentences = [p for p in split(document, "v") if p.kind == "sentence"]
    assert len(sentences) == 41
    assert len({p.span for p in sentences}) == 41


def test_an_abbreviated_month_ends_no_sentence() -> None:
    document = assemble("a.txt", [("paragraph", "Oslo, Jan. 21, 2026. Dr. Lee spoke to Mrs. Moe. It rained.")])
    texts = [document.slice(p.span) for p in split(document, "v") if p.kind == "sentence"]
    assert texts[-1] == "It rained."
    assert not any(t.endswith(("Jan.", "Dr.", "Mrs.")) for t in texts)


def test_a_paragraph_is_embedded_with_its_heading_but_not_with_the_title() -> None:
    document = assemble(
        "a.txt",
        [("heading", "Dam opens"), ("paragraph", "It rained."), ("heading", "Costs"), ("paragraph", "Five euros.")],
    )
    texts = {(p.kind, document.slice(p.span)): embedded_text(p, document) for p in split(document, "v")}
    assert texts["paragraph", "It rained."] == "It rained."
    assert texts["paragraph", "Five euros."] == "Costs\nFive euros."
    assert texts["sentence", "Five euros."] == "Five euros."


def test_ids_are_stable_and_change_with_the_text_and_the_model() -> None:
    one = load(resource("release.txt"), 10**7, 10**7)
    key = version(one, "model")
    assert [p.id for p in split(one, key)] == [p.id for p in split(load(resource("release.txt"), 10**7, 10**7), key)]
    assert version(one, "other model") != key
    assert version(assemble(one.name, [("paragraph", one.text + "x")]), "model") != key


def test_sentences_of_the_release_are_sentences() -> None:
    document = load(resource("release.txt"), 10**7, 10**7)
    texts = [document.slice(p.span) for p in split(document, "v") if p.kind == "sentence"]
    assert (
        "More than 1,100 political prisoners remain behind bars, and repression against civil society and political "
        "opposition persists, in violation of Belarus’ international human rights obligations." in texts
    )
    assert texts[-1] == "For more information, please contact: Andrea Huber, IAPB's Head, at iapb@dignity.dk."
