"""A real browser, and what is looked at in it."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.servers import Place, place

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
NAMES = ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser")
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
AXE_SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


def find_browser() -> str | None:
    """The program: CHROMIUM, or one of the usual names."""
    named = os.environ.get("CHROMIUM")
    return named or next((found for name in NAMES if (found := shutil.which(name))), None)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    """The browser; one for all tests here. It goes with them: its event loop would be in the way of other tests."""
    program = find_browser()
    if program is None:
        assert os.environ.get("CI") != "true", "CI needs a browser for these tests (Debian: apt install chromium)"
        pytest.skip("no browser here; `apt install chromium` brings one, or set CHROMIUM")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="package")
def one_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture
def site(one_place: Place) -> Place:
    """The bot and a site of other people, as new."""
    one_place.bot.__init__()  # type: ignore[misc]
    one_place.pages.clear()
    return one_place


@pytest.fixture
def visit(chromium: Any, site: Place) -> Iterator[Callable[..., Visit]]:
    """Opens a page in a browser of its own; fails where the page reports an error."""
    contexts: list[Any] = []
    problems: list[str] = []

    def open_page(address: str = "/", *, context: Any = None, quiet: bool = False, **options: Any) -> Visit:
        if context is None:
            context = chromium.new_context(**{"locale": "en-GB", "timezone_id": "Europe/London", **options})
            context.set_default_timeout(5_000)
            contexts.append(context)
        page = context.new_page()
        if not quiet:
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        visit = Visit(page, context, site)
        page.goto(address if "://" in address else site.bot_address + address)
        return visit

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


class Visit:
    """A visitor at a page with the chat."""

    def __init__(self, page: Any, context: Any, site: Place) -> None:
        self.page, self.context, self.site = page, context, site
        self.requests: list[str] = []
        page.on("request", lambda request: self.requests.append(f"{request.method} {request.url}"))

    @property
    def chat(self) -> Any:
        return self.page.locator("chat-widget").last

    @property
    def launcher(self) -> Any:
        return self.chat.locator("button.launcher")

    @property
    def box(self) -> Any:
        return self.chat.locator("#question")

    @property
    def log(self) -> Any:
        return self.chat.get_by_role("log")

    @property
    def answers(self) -> Any:
        return self.chat.locator(".message.bot")

    @property
    def newest(self) -> Any:
        return self.answers.last

    @property
    def status(self) -> Any:
        return self.chat.locator(".status")

    def open(self) -> Visit:
        self.launcher.click()
        self.box.wait_for()
        return self

    def ask(self, text: str = "can i take xanax") -> Visit:
        """Ask and wait for the answer."""
        before = self.answers.count()
        self.box.fill(text)
        self.box.press("Enter")
        self.answers.nth(before).wait_for()
        return self

    @property
    def kept(self) -> Any:
        return self.chat.locator("#kept:visible")

    def until(self, expression: str) -> None:
        """Wait until it is true; without the eval that a strict policy forbids."""
        for _ in range(100):
            if self.page.evaluate(expression):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"never true: {expression}")

    def menu(self) -> Visit:
        self.chat.get_by_role("button", name="Options").click()
        return self

    def focused(self) -> str:
        """What has the focus, through all shadows: its id, else its class, else its words."""
        return str(
            self.page.evaluate(
                """() => { let at = document.activeElement;
                     while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
                     return at?.id || at?.className || at?.textContent || ""; }"""
            )
        )

    def axe(self, **options: Any) -> list[str]:
        """What axe-core finds wrong, a line each."""
        code = AXE.read_bytes()
        assert hashlib.sha256(code).hexdigest() == AXE_SHA256, "tests/browser/vendor/axe.min.js is not what it was"
        self.page.evaluate(code.decode() + ";undefined")
        found = self.page.evaluate(
            "options => axe.run(document, options)",
            {
                "resultTypes": ["violations"],
                "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
                **options,
            },
        )
        return [
            f"{one['id']}: {one['help']}: {node['target']} {node.get('failureSummary', '')}"
            for one in found["violations"]
            for node in one["nodes"]
        ]
