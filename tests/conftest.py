"""Real parts, made once a session: the embedding model, a store with the release, the assistant on it."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

from assistant.answer import Assistant
from assistant.build import build_assistant
from assistant.embed import MiniLM
from assistant.schema import Answer, Question, Turn
from assistant.settings import Settings, load_settings
from assistant.store import Store
from data import resource
from ingest.index import ingest

# Seeds are fixed, and a busy machine is no failure.
hypothesis.settings.register_profile("ours", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ours")

LIMITS = {"max_bytes": 10_000_000, "max_chars": 2_000_000}


@pytest.fixture(scope="session")
def embedder() -> MiniLM:
    return MiniLM()


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return load_settings(store=tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="session")
def store(settings: Settings, embedder: MiniLM) -> Store:
    made = Store(settings.store_path, embedder.fingerprint)
    ingest([resource("release.txt")], embedder, made, **LIMITS)
    return made


@pytest.fixture(scope="session")
def assistant(settings: Settings, store: Store, embedder: MiniLM) -> Assistant:
    return build_assistant(settings, store, embedder)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory, embedder: MiniLM) -> Assistant:
    """An assistant on the release and every invented release."""
    settings = load_settings(store=tmp_path_factory.mktemp("library"))
    made = Store(settings.store_path, embedder.fingerprint)
    files = [resource("release.txt"), *sorted(resource("eval/documents").iterdir())]
    ingest(files, embedder, made, **LIMITS)
    return build_assistant(settings, made, embedder)


class Ask:
    """Ask the assistant in one call: `ask("How many?", "earlier question", document=...)`."""

    def __init__(self, assistant: Assistant) -> None:
        self.assistant = assistant

    def __call__(self, text: str, *history: str, document: str | None = None) -> Answer:
        return self.assistant.ask(Question(text, tuple(Turn("user", h) for h in history), document))


@pytest.fixture(scope="session")
def ask(assistant: Assistant) -> Ask:
    return Ask(assistant)


@pytest.fixture
def write(tmp_path: Path):
    """Write a file into the test's folder: `write("a.txt", "text or bytes")` gives its path."""

    def _write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
        return path

    return _write
