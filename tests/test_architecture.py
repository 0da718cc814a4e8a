"""The star: `assistant` is the core; heavy libraries live in the modules that name them."""

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent
OURS = {"assistant", "ingest", "eval", "ui", "data"}
MAY_IMPORT = {
    "data": set(),
    "assistant": {"data"},
    "ingest": {"assistant", "data"},
    "eval": {"assistant", "data"},
    "ui": {"assistant", "data", "ingest", "eval"},
}
HEAVY = {
    "chromadb": {"assistant/store.py"},
    "llama_index": {
        "assistant/retrieve.py",
        "assistant/engine.py",
        "assistant/generate.py",
        "ingest/passages.py",
        "eval/retriever.py",
    },
    "sentence_transformers": {"assistant/embed.py"},
    "onnxruntime": {"assistant/read.py", "eval/export.py"},
    "gradio": {"ui/page.py", "ui/evaluate.py", "ui/server.py"},
    "torch": {"eval/train.py", "eval/export.py"},
}


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_packages_point_at_the_core_and_heavy_libraries_stay_at_the_edge() -> None:
    for package, allowed in MAY_IMPORT.items():
        for path in sorted((ROOT / package).rglob("*.py")):
            found = imports(path)
            assert found & OURS <= allowed | {package}, path
            for library, homes in HEAVY.items():
                assert library not in found or str(path.relative_to(ROOT)) in homes, f"{path} imports {library}"


def test_schema_is_standard_library_only() -> None:
    assert imports(ROOT / "assistant/schema.py") <= {"__future__", "hashlib", "collections", "dataclasses", "typing"}
