"""The index in a real Chroma, embedded and on a server: idempotent, replaced whole, safe from a kill, locked by name."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from assistant.embed import MiniLM
from assistant.errors import StoreError, StoreLocked
from assistant.store import Store
from ingest.index import ingest
from tests.conftest import LIMITS

ONE = "Dam opens\n\nThe dam opened on 3 May 2024. It cost 5 million euros.\n"
TWO = "Dam opens\n\nThe dam opened on 9 July 2025. It cost 7 million euros.\n"


def test_ingest_is_idempotent_and_takes_in_what_changed(write, tmp_path: Path, embedder: MiniLM) -> None:
    store = Store(tmp_path / "store", embedder.fingerprint)
    file = write("dam.txt", ONE)
    assert not store.exists
    assert [i.outcome for i in ingest([file], embedder, store, **LIMITS)] == ["new"]
    assert [i.outcome for i in ingest([file], embedder, store, **LIMITS)] == ["unchanged"]
    write("dam.txt", TWO)
    assert [i.outcome for i in ingest([file], embedder, store, **LIMITS)] == ["changed"]
    (record,) = store.records()
    assert "9 July 2025" in record.document.text
    assert len(store.passages([record.version])) == record.passages
    assert store._passages().count() == record.passages, "the old version's passages are gone"


def test_a_bad_file_among_good_ones_changes_nothing(write, tmp_path: Path, embedder: MiniLM) -> None:
    from assistant.errors import DocumentError

    store = Store(tmp_path / "store", embedder.fingerprint)
    with pytest.raises(DocumentError):
        ingest([write("dam.txt", ONE), write("bad.txt", "")], embedder, store, **LIMITS)
    assert not store.exists


def test_search_gives_cosines_of_live_passages_only(write, tmp_path: Path, embedder: MiniLM) -> None:
    store = Store(tmp_path / "store", embedder.fingerprint)
    ingest(
        [write("dam.txt", ONE), write("cat.txt", "Cats\n\nA cat sat on the mat in Rome.\n")], embedder, store, **LIMITS
    )
    versions = store.versions()
    (vector,) = embedder.embed(["The dam opened on 3 May 2024."])
    found = store.search(vector, [versions["dam.txt"]], 50)
    assert max(found.values()) == pytest.approx(1.0, abs=1e-4)
    assert {i.split(":")[0] for i in found} == {versions["dam.txt"]}


def test_another_model_has_an_index_of_its_own(write, tmp_path: Path, embedder: MiniLM) -> None:
    ingest([write("dam.txt", ONE)], embedder, Store(tmp_path / "store", embedder.fingerprint), **LIMITS)
    assert Store(tmp_path / "store", "another model").versions() == {}


KILLED = """
    import os, sys
    from pathlib import Path
    from assistant.store import Store
    from ingest.index import ingest

    class Stub:
        fingerprint = "test"
        def embed(self, texts):
            return [[1.0, float(len(t) % 7), 0.5] for t in texts]

    moment = int(sys.argv[3])
    calls = 0
    def trace(frame, event, arg):
        global calls
        if event == "call" and frame.f_code.co_filename.endswith(("store.py", "index.py", "segment.py", "rust.py")):
            calls += 1
            if calls == moment:
                os.kill(os.getpid(), 9)
        return None
    sys.setprofile(trace)
    ingest([Path(sys.argv[2])], Stub(), Store(Path(sys.argv[1]), "test"), max_bytes=10**7, max_chars=10**7)
    sys.setprofile(None)
"""


class Stub:
    fingerprint = "test"

    def embed(self, texts):
        return [[1.0, float(len(t) % 7), 0.5] for t in texts]


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_the_old_document_or_the_new_one(write, tmp_path: Path) -> None:
    old = ["The dam is open. " * 3, "It cost five million euros. " * 3]
    ingest([write("dam.txt", "\n\n".join(old))], Stub(), Store(tmp_path / "store", "test"), **LIMITS)
    new = (
        write("new/dam.txt", "x")
        if (tmp_path / "new").mkdir()
        else write("new/dam.txt", "The dam is shut. It leaks. It is old.")
    )
    seen = set()
    for moment in (5, 20, 40, 60, 80, 120):
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path / "store"), str(new), str(moment)],
            cwd=Path(__file__).parent.parent,
            capture_output=True,
        )
        script = "import sys; from pathlib import Path; from assistant.store import Store; s = Store(Path(sys.argv[1]), 'test'); (r,) = s.records(); assert len(s.passages([r.version])) == r.passages; print(r.document.text[:16])"
        look = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / "store")],
            cwd=Path(__file__).parent.parent,
            capture_output=True,
            text=True,
        )
        assert look.stdout.strip() in ("The dam is open.", "The dam is shut."), look.stderr
        seen.add(done.returncode)
    assert -signal.SIGKILL in seen, "no kill happened: the test proves nothing"
    assert [i.outcome for i in ingest([new], Stub(), Store(tmp_path / "store", "test"), **LIMITS)][0] in (
        "changed",
        "unchanged",
    )


def test_a_second_writer_is_told_who_holds_the_store(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", "import sys, time; from pathlib import Path; from assistant.store import Store\n"
         "with Store(Path(sys.argv[1]), 't').writing():\n print('held', flush=True); sys.stdin.read()", str(tmp_path)],
        cwd=Path(__file__).parent.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == "held"
        with pytest.raises(StoreLocked, match=rf"process {holder.pid} is writing"), Store(tmp_path, "t").writing():
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with Store(tmp_path, "t").writing():
            pass  # a lock whose holder died is no lock
    finally:
        holder.kill()
        holder.communicate()


def test_a_damaged_store_is_refused_with_the_way_to_mend_it(write, tmp_path: Path) -> None:
    ingest([write("dam.txt", ONE)], Stub(), Store(tmp_path / "store", "test"), **LIMITS)
    database = tmp_path / "store" / "chroma" / "chroma.sqlite3"
    database.write_bytes(b"not a database, " * 400)
    script = "import sys; from pathlib import Path; from assistant.store import Store; Store(Path(sys.argv[1]), 'test').records()"
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "store")],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
    )
    assert "assistant.errors.StoreError" in done.stderr
    assert "run `release-assistant ingest`" in done.stderr


def test_a_text_that_was_changed_in_the_store_is_refused(write, tmp_path: Path) -> None:
    store = Store(tmp_path / "store", "test")
    ingest([write("dam.txt", ONE)], Stub(), store, **LIMITS)
    rows = store._documents()
    rows.update(ids=rows.get()["ids"], embeddings=[[1.0]], documents=[ONE.replace("5 million", "9 million")])
    with pytest.raises(StoreError, match=r"dam.txt is not what was stored"):
        store.records()


@pytest.mark.slow
def test_several_assistants_share_a_chroma_server(write, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    chroma = Path(sys.executable).parent / "chroma"
    command = [str(chroma), "run", "--path", str(tmp_path / "server"), "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "ANONYMIZED_TELEMETRY": "False"},
    )
    try:
        wait_for_port(port, server)
        one = Store(tmp_path / "one", "test", f"http://127.0.0.1:{port}")
        two = Store(tmp_path / "two", "test", f"http://127.0.0.1:{port}")
        ingest([write("dam.txt", ONE)], Stub(), one, **LIMITS)
        assert [r.document.name for r in two.records()] == ["dam.txt"]
        ingest([write("dam.txt", TWO)], Stub(), two, **LIMITS)
        assert "9 July 2025" in one.records()[0].document.text
    finally:
        server.kill()
        server.wait()
    with pytest.raises(StoreError, match="see that the Chroma server runs there"):
        Store(tmp_path / "three", "test", f"http://127.0.0.1:{port}").records()


def wait_for_port(port: int, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise AssertionError("the server did not come up")
