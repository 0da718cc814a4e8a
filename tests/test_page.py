"""The page in a real Chromium, on a real server: asking, citations, history, documents, feedback, phone, keyboard, axe."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.test_store import wait_for_port

pytestmark = pytest.mark.browser
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
STRANGERS: list[str] = []
ROOT = Path(__file__).parent.parent
EVIL = (
    "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>![i](http://evil.test/i.png)"
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def start(port: int, home: Path, **more: str) -> subprocess.Popen[bytes]:
    env = {**os.environ, "RELEASE_ASSISTANT_HOME": str(home), **more}
    command = [sys.executable, "-m", "ui.cli", "ui", "--port", str(port)]
    server = subprocess.Popen(command, env=env, cwd=ROOT, stderr=subprocess.DEVNULL)
    wait_for_port(port, server, 180)
    return server


def end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    assert server.wait(10) in (0, 130, -15)


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    port = free_port()
    server = start(port, home)
    yield f"http://127.0.0.1:{port}"
    end(server)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        made = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield made
        made.close()


def opened(browser: Any, address: str, path: str = "", **options: Any) -> Any:
    """A page of a fresh browser profile, watched for requests that leave the origin."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
    context.on("request", lambda r: r.url.startswith((address, "data:", "blob:")) or STRANGERS.append(r.url))
    page = context.new_page()
    page.goto(f"{address}{path}")
    if not path:
        page.wait_for_selector(".release .s", state="attached")
    return page


@pytest.fixture(autouse=True)
def no_stranger() -> Iterator[None]:
    """No page of any test sends a request to another origin."""
    STRANGERS.clear()
    yield
    assert not STRANGERS


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    made = opened(browser, address)
    yield made
    made.context.close()


def put(page: Any, question: str) -> Any:
    """Ask, and wait for the answer and for the page to be ready again."""
    before = page.locator(".answer:not(.looking)").count()
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")
    return settled(page, before)


def settled(page: Any, before: int) -> Any:
    page.wait_for_function(f"document.querySelectorAll('.answer:not(.looking)').length > {before}", timeout=60_000)
    page.locator("#send").wait_for()
    return page.locator(".answer").last


def test_a_question_gets_its_cited_answer_and_the_citation_shows_its_place(page: Any) -> None:
    answer = put(page, "How many political prisoners were released?")
    assert answer.locator(".said").inner_text().startswith("123")
    marker = answer.locator("a.cite").first
    marker.focus()
    tip = page.get_by_role("tooltip").filter(has_text="verified")
    assert "123 political prisoners" in tip.last.inner_text()
    marker.click()
    cited = page.locator(".release .s.cited")
    cited.first.wait_for()
    assert "123 political prisoners" in cited.first.inner_text()


def test_a_citation_far_down_is_scrolled_into_view(page: Any) -> None:
    answer = put(page, "What is the contact e-mail?")
    answer.locator("a.cite").first.click()
    page.locator(".release .s.cited", has_text="For more information, please contact").wait_for()
    page.wait_for_function(
        "() => { const r = document.querySelector('.s.cited').getBoundingClientRect(); return r.top >= 0 && r.bottom <= innerHeight }"
    )


def test_a_decline_looks_like_one_and_text_is_no_markup(page: Any) -> None:
    answer = put(page, "What is the capital of France?")
    assert "abstained" in (answer.get_attribute("class") or "")
    put(page, EVIL + " who?")
    assert page.title() == "Release Assistant"
    assert page.locator("#chat img[src='x'], #chat script").count() == 0
    assert EVIL[:20] in page.locator(".asked").last.inner_text()


def test_a_follow_up_stands_on_what_was_asked_before(page: Any) -> None:
    put(page, "Who is Valiantsin Stefanovic?")
    answer = put(page, "How long has he been in prison?")
    assert "more than four years" in answer.inner_text()


def test_suggested_questions_are_offered_and_answered(page: Any) -> None:
    page.get_by_text("What is this about?").first.click()
    answer = settled(page, 0)
    assert "answered" in (answer.get_attribute("class") or "")
    chips = page.locator(".answer .chip")
    chips.first.wait_for()
    chips.first.click()
    assert "answered" in (settled(page, 1).get_attribute("class") or "")


def test_asking_again_and_editing(page: Any) -> None:
    answer = put(page, "What is the contact e-mail?")
    answer.get_by_role("button", name="Ask again").click()
    settled(page, 1)
    page.locator(".answer").last.get_by_role("button", name="Edit the question").click()
    assert page.get_by_label("Your question").input_value() == "What is the contact e-mail?"


def test_copies_carry_the_citation_and_the_source_line(browser: Any, address: str) -> None:
    page = opened(browser, address, permissions=["clipboard-read", "clipboard-write"])
    answer = put(page, "How many political prisoners were released?")
    answer.get_by_role("button", name="Copy with citations").click()
    page.get_by_text("Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("123. [1]")
    assert "release.txt, characters 96 to 280" in copied
    answer.get_by_role("button", name="Copy as a quotation").click()
    page.wait_for_function("async () => (await navigator.clipboard.readText()).startsWith('“19 December')")
    assert "(release.txt)" in page.evaluate("navigator.clipboard.readText()")
    page.context.close()


def test_history_stays_in_the_browser_and_survives_a_restart_of_the_server(browser: Any, home: Path) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    server = start(port, home)
    page = opened(browser, address)
    put(page, "What is the contact e-mail?")
    page.wait_for_function("(localStorage.getItem('release-assistant:') || '').includes('dignity')")
    end(server)
    server = start(port, home)
    page.reload()
    page.locator(".answer.answered", has_text="iapb@dignity.dk").wait_for()
    page.locator("#side .toggle-button, .sidebar .toggle-button").first.click()
    page.locator("#talks label").filter(has_text="What is the contact e-mail?").wait_for()
    page.get_by_label("New name").fill("Contacts")
    page.get_by_role("button", name="Rename").click()
    page.locator("#talks label").filter(has_text="Contacts").wait_for()
    for name, opening in (("Markdown", b"# Contacts"), ("DOCX", b"PK")):
        with page.expect_download() as download:
            page.get_by_role("button", name=f"Export as {name}").click()
        assert Path(download.value.path()).read_bytes().startswith(opening)
    page.get_by_role("button", name="New conversation").click()
    page.wait_for_function("document.querySelectorAll('.answer').length === 0")
    page.locator("#talks label").filter(has_text="Contacts").click()
    page.locator(".answer.answered", has_text="iapb@dignity.dk").wait_for()
    page.get_by_role("button", name="Delete").click()
    page.wait_for_function("document.querySelectorAll('#talks label').length === 0")
    page.context.close()
    end(server)


def test_an_answer_that_takes_long_can_be_stopped(browser: Any, home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # a model that takes the question and never replies
        model = f"openai-like:slow@http://127.0.0.1:{silent.getsockname()[1]}/v1"
        port = free_port()
        server = start(port, home, RELEASE_ASSISTANT_LLM=model, RELEASE_ASSISTANT_LLM_TIMEOUT="60")
        page = opened(browser, f"http://127.0.0.1:{port}")
        page.get_by_label("Your question").fill("Who <heads> the IAPB?")
        page.keyboard.press("Enter")
        page.locator(".answer.looking").wait_for()
        page.get_by_role("button", name="Stop").click()
        page.locator("#send").wait_for()
        assert page.locator(".answer").count() == 0
        assert page.get_by_label("Your question").input_value() == "Who <heads> the IAPB?"
        page.context.close()
        end(server)


def test_two_tabs_lose_nothing_to_each_other(page: Any, address: str) -> None:
    other = page.context.new_page()
    other.goto(address)
    other.wait_for_selector(".release .s", state="attached")
    put(page, "What is the contact e-mail?")
    put(other, "How many political prisoners were released?")
    put(page, "When was this release published?")
    kept = "JSON.parse(localStorage.getItem('release-assistant:')).conversations.map(c => c.exchanges.length).sort().join()"
    page.wait_for_function(f"{kept} === '1,2'")
    other.close()


def test_feedback_with_a_marked_passage_lands_in_the_queue(page: Any, home: Path) -> None:
    from eval.review import ReviewQueue

    answer = put(page, "Who heads the IAPB?")
    answer.locator(".feedback summary").click()
    answer.get_by_role("button", name="wrong", exact=True).click()
    answer.get_by_label("What would be right?").fill("Andrea Huber")
    page.locator(".release .s", has_text="Andrea Huber").evaluate("s => getSelection().selectAllChildren(s)")
    answer.get_by_role("button", name="Send").click()
    answer.get_by_text("Thank you.").wait_for()
    (kept,) = [f for f in ReviewQueue(home / "feedback.jsonl").waiting() if f.question == "Who heads the IAPB?"]
    assert (kept.verdict, kept.expected, kept.document) == ("wrong", "Andrea Huber", "release.txt")
    assert kept.start is not None


def test_an_evaluator_accepts_feedback_and_starts_a_run(browser: Any, address: str, home: Path) -> None:
    from eval.cases import load_cases
    from eval.review import Feedback, ReviewQueue

    evil = Feedback(question=f"Who? {EVIL}", document="release.txt", verdict="should_decline")
    ReviewQueue(home / "feedback.jsonl").add(evil)
    page = opened(browser, address, "/evaluate")
    context = page.context
    page.get_by_role("tab", name="Review").click()
    page.locator("#waiting label").filter(has_text="should_decline").click()
    page.locator("#shown", has_text="should_decline").wait_for()
    page.get_by_role("button", name="Accept as a case").click()
    page.wait_for_function("document.querySelector('#decided textarea').value.includes('is a case now')")
    assert page.title() == "Release Assistant: evaluation"
    assert page.locator("img[src='x']").count() == 0
    assert load_cases([home / "cases.jsonl"])[-1].question == evil.question
    page.get_by_role("tab", name="Start a run").click()
    page.get_by_label("At most (0: all)").fill("2")
    page.locator("#start").click()
    page.wait_for_function("document.querySelector('#state textarea').value.startsWith('Done')", timeout=120_000)
    page.get_by_role("tab", name="Runs").click()
    with context.expect_page() as shown:
        page.get_by_role("link", name="Open the whole report").click()
    shown.value.wait_for_selector("details.case")
    context.close()


def choose(page: Any, file: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add a release").click()
    chooser.value.set_files(file)


def test_a_release_is_added_and_a_bad_file_is_refused(browser: Any, address: str, tmp_path: Path) -> None:
    page = opened(browser, address)
    added = tmp_path / "harbour.txt"
    added.write_text(
        "HARBOUR REOPENS\n\n2 May 2025 - The port of Ylva reopened after 14 weeks of repairs.", encoding="utf-8"
    )
    choose(page, added)
    page.locator("#told", has_text="harbour.txt").locator(".done", has_text="passages").wait_for()
    page.locator(".release", has_text="HARBOUR REOPENS").wait_for()
    answer = put(page, "How long did the repairs take?")
    assert "14 weeks" in answer.locator(".said").inner_text()
    assert "from harbour.txt" in answer.inner_text()
    added.write_text("Another text.", encoding="utf-8")
    choose(page, added)
    page.locator("#told .failed", has_text="another document is named").wait_for()
    page.context.close()


def test_a_hostile_document_runs_nothing(browser: Any, address: str, tmp_path: Path) -> None:
    page = opened(browser, address)
    hostile = tmp_path / "a&quot;><b onmouseover=x>.md"
    hostile.write_text(
        f"# Notice {EVIL}\n\n3 May 2025 - Mayor {EVIL} Olga Brandt opened 17 <b>bridges</b> {EVIL}.\n", encoding="utf-8"
    )
    choose(page, hostile)
    page.locator("#told .done", has_text="passages").wait_for()
    for question in ("How many bridges were opened?", "What is this about?", f"{EVIL} who?"):
        answer = put(page, question)
        for marker in answer.locator("a.cite").all():
            marker.hover()
            marker.click()
    page.locator(".feedback summary").first.click()
    assert page.locator(".release b, .answer b[onmouseover], .release img, .answer img, .answer script").count() == 0
    assert page.title() == "Release Assistant"
    page.context.close()


def test_on_a_phone_chat_and_release_are_tabs(browser: Any, address: str) -> None:
    page = opened(browser, address, viewport={"width": 390, "height": 780}, color_scheme="dark")
    assert not page.locator("#pane").is_visible()
    answer = put(page, "What is the contact e-mail?")
    answer.locator("a.cite").first.click()
    page.locator(".release .s.cited").first.wait_for()
    assert not page.locator("#chat").is_visible()
    page.get_by_role("button", name="Chat", exact=True).click()
    assert page.locator("#chat").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.context.close()


def test_everything_is_reached_by_keyboard(page: Any) -> None:
    page.get_by_label("Your question").focus()
    page.keyboard.type("What is the contact e-mail?")
    page.keyboard.press("Enter")
    settled(page, 0)
    page.locator(".answer a.cite").first.focus()
    page.keyboard.press("Enter")
    page.locator(".release .s.cited").wait_for()
    page.get_by_label("Your question").focus()
    reached = set()
    for _ in range(60):
        page.keyboard.press("Shift+Tab")
        reached.add(
            page.evaluate(
                "(document.activeElement.dataset.act || document.activeElement.tagName) + '|' + document.activeElement.className"
            )
        )
    assert {"copy", "ask", "edit"} <= {r.split("|")[0] for r in reached}
    assert any(r.startswith("SUMMARY") for r in reached)


def test_the_page_speaks_russian(browser: Any, address: str) -> None:
    page = opened(browser, address, "/ru")
    page.get_by_role("button", name="Спросить", exact=True).wait_for()
    page.wait_for_function("document.documentElement.lang !== 'en'")  # Gradio runs the page's script after it is drawn
    assert page.evaluate("document.documentElement.lang") == "ru"
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(browser: Any, address: str, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = opened(browser, address, color_scheme=scheme)
    put(page, "How many political prisoners were released?")
    page.locator(".answer .chip").first.wait_for()
    put(page, "What is the capital of France?")
    page.locator(".feedback summary").first.click()
    found = Axe().run(page).response["violations"]
    told = [
        f"{v['id']} ({v['impact']}): {n['html'][:160]} {n['any'][0]['message'] if n['any'] else ''}"
        for v in found
        for n in v["nodes"]
    ]
    page.context.close()
    assert not told, "\n".join(told)
