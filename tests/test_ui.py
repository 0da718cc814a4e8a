"""The page in a real Chromium, on a real server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.test_store import wait_for_port
from ui.render import answer_html, plain

pytestmark = pytest.mark.browser
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def test_untrusted_text_is_escaped() -> None:
    from assistant.schema import Answer, Citation

    evil = "<img src=x onerror=alert(1)>\"'"
    answer = Answer("?", "answered", f"{evil} [1]", (Citation(1, evil, 0, 5, evil),))
    made = answer_html(answer, {})
    assert "<img" not in made
    assert 'onerror=alert(1)>"' not in made
    assert plain([{"type": "text", "text": "a"}]) == plain("a") == "a"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {**os.environ, "RELEASE_ASSISTANT_STORE": str(tmp_path_factory.mktemp("ui"))}
    server = subprocess.Popen(
        [sys.executable, "-m", "ui.cli", "ui", "--port", str(port)],
        env=env,
        cwd=Path(__file__).parent.parent,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_port(port, server, 180)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        assert server.wait(10) in (0, 130, -15)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        made = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield made
        made.close()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    made = browser.new_page(viewport={"width": 1280, "height": 800})
    asked: list[str] = []
    made.on("request", lambda request: asked.append(request.url))
    made.goto(address)
    made.wait_for_selector(".release .s")
    yield made
    made.close()
    strangers = [u for u in asked if not u.startswith((address, "data:", "blob:"))]
    assert not strangers, "a request left the origin"


def put(page: Any, question: str) -> Any:
    before = page.locator(".answer").count()
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")
    page.wait_for_function(f"document.querySelectorAll('.answer').length > {before}")
    return page.locator(".answer").last


def test_a_question_gets_its_cited_answer_and_the_citation_shows_its_place(page: Any) -> None:
    answer = put(page, "How many political prisoners were released?")
    assert answer.locator(".said").inner_text().startswith("123")
    answer.locator("a.cite").first.click()
    cited = page.locator(".release .s.cited")
    cited.first.wait_for()
    assert "123 political prisoners" in cited.first.inner_text()
    assert "verified" in (answer.locator("a.cite").first.get_attribute("title") or "")


def test_a_citation_far_down_is_scrolled_into_view(page: Any) -> None:
    answer = put(page, "What is the contact e-mail?")
    place = page.locator(".release .s", has_text="For more information, please contact")
    answer.locator("a.cite").first.click()
    page.locator(".release .s.cited").wait_for()
    page.wait_for_function(
        "() => { const r = document.querySelector('.s.cited').getBoundingClientRect(); return r.top >= 0 && r.bottom <= innerHeight }"
    )
    assert "cited" in (place.get_attribute("class") or "")


def test_a_decline_looks_like_one_and_a_question_is_no_markup(page: Any) -> None:
    answer = put(page, "What is the capital of France?")
    assert "abstained" in (answer.get_attribute("class") or "")
    put(page, "<img src=x onerror=\"document.title='owned'\"> **bold** who?")
    assert page.title() == "Release Assistant"
    assert page.locator("#chat img[src='x']").count() == 0


def test_a_suggested_question_is_answered(page: Any) -> None:
    page.get_by_text("What is this about?").first.click()
    page.wait_for_selector(".answer.answered")


def test_health_and_headers(address: str) -> None:
    with urllib.request.urlopen(f"{address}/healthz") as response:
        assert response.status == 200
        assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    with urllib.request.urlopen(f"{address}/readyz") as response:
        assert b'"documents":1' in response.read()
