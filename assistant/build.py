"""Settings into objects: the one place where the parts are chosen and put together."""

from __future__ import annotations

from assistant.answer import Assistant
from assistant.confidence import load_calibration
from assistant.embed import MiniLM
from assistant.generate import build_generator
from assistant.read import OnnxReader
from assistant.retrieve import HybridRetriever
from assistant.settings import Settings
from assistant.store import Store
from data import resource


def build_store(settings: Settings) -> Store:
    """The store that the settings name; nothing is opened yet."""
    return Store(settings.store_path, MiniLM.fingerprint, settings.chroma)


def build_assistant(settings: Settings, store: Store | None = None, embedder: MiniLM | None = None) -> Assistant:
    """An assistant on that store; models are loaded with the first question."""
    embedder = embedder or MiniLM()
    retriever = HybridRetriever(store or build_store(settings), embedder, settings.max_passages)
    reader = OnnxReader(resource("models/reader"))
    calibration = load_calibration(resource("models/confidence.json"))
    generator = None
    if settings.llm is not None:
        key = settings.llm_api_key.get_secret_value() if settings.llm_api_key is not None else None
        generator = build_generator(settings.llm, key, settings.llm_timeout)
    return Assistant(retriever, reader, calibration, settings.max_question_chars, generator)
