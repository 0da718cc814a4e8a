"""The drafts that are made for a question, on real models: lists that are not asked for as such, counts beside numbers."""

from __future__ import annotations

import pytest

from assistant.answer import Assistant
from assistant.build import build_assistant
from assistant.embed import MiniLM
from assistant.propose import Proposal
from assistant.question import analyse
from assistant.schema import Question
from assistant.settings import load_settings
from assistant.store import Store
from ingest.index import ingest
from tests.conftest import LIMITS

RELEASE = """Harbour strike in Tolm is over

Tolm, 4 May 2031. The strike of the 412 workers of the harbour ended last night. From June on welders, painters and crane drivers get 6 per cent more.

The unions had asked for three things:
- a shorter night shift
- new cranes
- a canteen for the night shift
- a doctor on call

Petra Lund, Dana Feld and Jonas Okoro signed the agreement for the unions.

The strike fund is fed by dockers in Peru, Chile, Norway, Kenya, Spain, Ghana, Samoa, Malta and Japan.
"""


@pytest.fixture(scope="module")
def harbour(tmp_path_factory: pytest.TempPathFactory, embedder: MiniLM) -> Assistant:
    folder = tmp_path_factory.mktemp("harbour")
    (folder / "harbour.txt").write_text(RELEASE, encoding="utf-8")
    store = Store(folder / "store", embedder.fingerprint)
    ingest([folder / "harbour.txt"], embedder, store, **LIMITS)
    return build_assistant(load_settings(store=folder / "store"), store, embedder)


def proposed(harbour: Assistant, text: str) -> dict[str, Proposal]:
    corpus = harbour.retriever.corpus()
    found = harbour.proposer.find(text, corpus, None)
    return {p.way: p for p in harbour.proposals(analyse(text), found, corpus, None)}


def lead(proposal: Proposal) -> str:
    told = "".join(p if isinstance(p, str) else "" for p in proposal.draft.parts)
    return told.split("\n")[0]


def test_one_question_is_answered_by_several_names(harbour: Assistant) -> None:
    said = lead(proposed(harbour, "Who signed for the unions?")["span"])
    assert all(name in said for name in ("Petra Lund", "Dana Feld", "Jonas Okoro")), said


def test_one_of_a_long_list_is_found_in_it(harbour: Assistant) -> None:
    for country, right in (("Kenya", "Yes."), ("Malta", "Yes.")):
        corpus = harbour.retriever.corpus()
        text = f"Do dockers in {country} feed the strike fund?"
        drafts = harbour.proposals(analyse(text), harbour.proposer.find(text, corpus, None), corpus, None)
        best = max(drafts, key=lambda p: harbour.calibration.probability(p.way, p.features))
        assert lead(best) == right, country
    assert harbour.ask(Question("Do dockers in Sweden feed the strike fund?")).answer[:3] != "Yes"


def test_a_count_is_drafted_beside_the_number_that_a_text_gives(harbour: Assistant) -> None:
    made = proposed(harbour, "How many trades get more money?")
    assert lead(made["counted"]).startswith("3, counted from the list")
    assert all(trade in lead(made["counted"]) for trade in ("welders", "painters", "crane drivers"))
    assert {"spelt", "counted"} <= set(made["span"].features), "the number knows of the list"
    assert "counted" not in proposed(harbour, "When did the strike end?")


def test_a_laid_out_list_is_counted_whatever_its_introduction_says(harbour: Assistant) -> None:
    made = proposed(harbour, "How many demands did the unions have?")
    assert lead(made["tally"]).startswith("4, counted from the list")
    assert "check" in made["tally"].features
