"""The console script in processes of its own: answers on standard output, one line of error, exit statuses."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = [sys.executable, "-m", "ui.cli"]


def call(
    *args: str, store: Path, stdin: str | None = None, largest_file: int | None = None, **extra: str
) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "RELEASE_ASSISTANT_STORE": str(store), **extra}
    limit = (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file,) * 2)) if largest_file else None
    return subprocess.run(
        [*PROGRAM, *args],
        preexec_fn=limit,
        capture_output=True,
        text=True,
        env=env,
        input=stdin,
        cwd=Path(__file__).parent.parent,
        timeout=300,
    )


def one_line(done: subprocess.CompletedProcess[str], status: int, *said: str) -> None:
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    for words in said:
        assert words in done.stderr


def test_wrong_calls_get_one_line_and_status_2(tmp_path: Path) -> None:
    one_line(call("ask", "--sideways", "x", store=tmp_path), 2, "--sideways", "--help")
    one_line(call("dance", store=tmp_path), 2, "dance")
    one_line(call("ask", store=tmp_path), 2, "no question")


def test_bad_files_get_one_line_and_status_1(write, tmp_path: Path) -> None:
    one_line(call("ingest", str(tmp_path / "none.txt"), store=tmp_path / "s"), 1, "none.txt does not exist")
    one_line(call("ingest", str(write("empty.txt", "")), store=tmp_path / "s"), 1, "holds no text")
    assert not (tmp_path / "s" / "chroma").exists()


def test_bad_settings_get_one_line(tmp_path: Path) -> None:
    one_line(call("documents", store=tmp_path, RELEASE_ASSISTANT_PORT="door"), 1, "RELEASE_ASSISTANT_PORT is 'door'")
    one_line(call("documents", store=tmp_path, RELEASE_ASSISTANT_CONFIG="/none.toml"), 1, "is no file")


def test_an_unreadable_store_gets_one_line(write, tmp_path: Path) -> None:
    write("file", "not a folder")
    one_line(call("ingest", store=tmp_path / "file"), 1, "cannot write the store")


def test_a_locked_store_gets_one_line_that_names_the_holder(tmp_path: Path) -> None:
    from assistant.store import Store

    with Store(tmp_path / "s", "t").writing():
        one_line(call("ingest", store=tmp_path / "s"), 1, f"process {os.getpid()} is writing the store")


@pytest.mark.slow
def test_a_first_question_ingests_the_release_and_json_lines_answer_in_order(tmp_path: Path) -> None:
    lines = "\n".join(
        (
            json.dumps({"id": "a", "question": "How many political prisoners were released?"}),
            json.dumps(
                {"id": "b", "question": "And on which day?", "history": ["How many political prisoners were released?"]}
            ),
            "not json",
            json.dumps({"id": "c", "question": "What is the capital of France?", "document": "release.txt"}),
        )
    )
    done = call("ask", "--jsonl", store=tmp_path / "s", stdin=lines)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [a.get("id") for a in answers] == ["a", "b", None, "c"]
    assert answers[0]["answer"].startswith("123")
    assert set(answers[0]) == {"id", "question", "status", "answer", "citations", "confidence", "engine", "elapsed_ms"}
    assert "line 3 is not JSON" in answers[2]["error"]
    assert answers[3]["status"] == "abstained"
    assert done.returncode == 1

    text = call("show", "release.txt", store=tmp_path / "s").stdout
    for c in answers[0]["citations"]:
        assert text[c["start"] : c["end"]] == c["quote"]
    assert "release.txt\t19 December 2025" in call("documents", store=tmp_path / "s").stdout
    one_line(call("show", "none.txt", store=tmp_path / "s"), 1, "no document 'none.txt'")
    (tmp_path / "s" / "chroma" / "chroma.sqlite3").write_bytes(b"garbage" * 999)
    one_line(call("ask", "Who?", store=tmp_path / "s"), 1, "run `release-assistant ingest`")


@pytest.mark.slow
def test_where_no_more_can_be_written_nothing_is_lost(tmp_path: Path) -> None:
    """A limit on the size of a file stands for a full disk."""
    store, other = tmp_path / "s", tmp_path / "other.txt"
    other.write_text("The dam is shut.\n\nIt leaks.", encoding="utf-8")
    assert call("ingest", store=store).returncode == 0
    written = (store / "chroma" / "chroma.sqlite3").stat().st_size
    full = call("ingest", str(other), store=store, largest_file=written // 2)
    one_line(full, 1, f"cannot write the store {store}", "make room on its disk")
    assert call("documents", store=store).stdout.split("\t")[0] == "release.txt"
    assert call("ingest", str(other), store=store).returncode == 0
    assert "It leaks." in call("show", "other.txt", store=store).stdout


@pytest.mark.slow
def test_a_wheel_works_from_another_folder(tmp_path: Path) -> None:
    root = Path(__file__).parent.parent
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--wheel-dir", str(tmp_path), str(root)], check=True, capture_output=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    subprocess.run(
        [*pip, "install", "--no-deps", "--target", str(tmp_path / "site"), str(wheel)], check=True, capture_output=True
    )
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "RELEASE_ASSISTANT_HOME": str(tmp_path / "home")}
    script = "import ui.cli, sys; assert 'site' in ui.cli.__file__, ui.cli.__file__; sys.exit(ui.cli.main(['ask', 'How many political prisoners were released?']))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=env, cwd=tmp_path, timeout=300
    )
    assert done.stdout.startswith("123"), done.stderr
