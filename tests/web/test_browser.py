"""The status page in a real browser, JavaScript switched off."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from exporter.collectors import COLLECTORS
from tests.support.programs import ask
from tests.support.tools import eventually, running_demo, tool

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ENTERPRISES = ["octo-corp", "octo-legacy", "octo-server", "octo-tenant"]
IN_GENERAL = "GitHub in general"
"""What reads no enterprise."""
HEADS = ["Collector", "State", "Last success", "Took", "Interval", "Next run", "Last problem"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    chromium = tool("chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def url(browser: Browser) -> Iterator[str]:
    """Address of a demo that has read everything; none is started where there is no browser."""
    del browser
    with running_demo() as url:
        eventually(lambda: 'class="waiting"' not in ask(f"{url}/")[1], "every level of every collector has been read")
        yield url


class Visit:
    """A page and what happened while it was looked at."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", self._requested)
        self.page.on("console", self._said)
        self.page.on("requestfailed", lambda request: self.complaints.append(f"failed: {request.url}"))

    def _requested(self, request: Request) -> None:
        self.requests.append(request.url)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and "favicon" not in str(message.location):
            self.complaints.append(message.text)

    def color(self, selector: str, name: str = "color") -> tuple[int, ...]:
        """Red, green and blue of an element, as painted."""
        script = f"element => getComputedStyle(element).getPropertyValue('{name}')"
        value = str(self.page.locator(selector).first.evaluate(script))
        return tuple(int(part) for part in value.partition("(")[2].rstrip(")").split(",")[:3])


@pytest.fixture(params=["light", "dark"])
def visit(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """A visit without JavaScript, in both color schemes; nothing may go wrong in it."""
    context = browser.new_context(java_script_enabled=False, color_scheme=request.param)
    visit = Visit(context)
    yield visit
    context.close()
    assert visit.complaints == []


def test_enterprises_have_a_summary_and_every_collector(visit: Visit, url: str) -> None:
    """Collectors that are not available appear when they are unfolded."""
    visit.page.goto(url)
    assert visit.page.title() == "ghe-exporter"
    assert visit.page.locator("h2").all_inner_texts() == [*ENTERPRISES, IN_GENERAL]
    assert visit.page.locator(".summary").count() == len(ENTERPRISES) + 1
    every = sorted(collector.name for collector in COLLECTORS if not collector.for_process)
    for number, enterprise in enumerate(ENTERPRISES):
        heading = visit.page.locator("h2").nth(number)
        available = heading.locator("xpath=following-sibling::div[1]")
        folded = heading.locator("xpath=following-sibling::details[1]")
        assert available.locator("thead th").all_inner_texts() == HEADS
        names = [name.partition("\n")[0] for name in available.locator("tbody th").all_inner_texts()]
        assert "runners" in names
        assert ("licenses" in names) is (enterprise != "octo-server")
        assert f"{len(names)} ok" in heading.locator("xpath=following-sibling::p[1]").inner_text()
        assert set(available.locator("tbody td:nth-child(2)").all_inner_texts()) == {"ok"}
        assert not folded.locator("table").is_visible()
        folded.locator("summary").click()
        assert folded.locator("table").is_visible()
        others = folded.locator("tbody th").all_inner_texts()
        assert sorted(names + others) == every
        assert all(folded.locator("tbody td:nth-child(7)").all_inner_texts())
        cells = available.locator("tbody tr", has_text="runner_groups").locator("td").all_inner_texts()
        assert cells[1].endswith(" ago")
        assert cells[3] == "15 min"
        assert cells[4].startswith("in ")
        assert cells[5] == ""


def test_page_loads_nothing_from_other_servers(visit: Visit, url: str) -> None:
    """Every request goes to the exporter."""
    visit.page.goto(url, wait_until="networkidle")
    assert visit.requests
    assert [request for request in visit.requests if not request.startswith(f"{url}/")] == []


@pytest.mark.parametrize(
    ("name", "path", "begins"),
    [("Metrics", "/metrics", "# HELP ghe_"), ("Health", "/-/healthy", "healthy"), ("Readiness", "/-/ready", "ready")],
)
def test_links_lead_to_what_they_name(visit: Visit, url: str, name: str, path: str, begins: str) -> None:
    """The browser shows the page behind each link."""
    visit.page.goto(url)
    visit.page.get_by_role("link", name=name).click()
    visit.page.wait_for_url(url + path)
    assert visit.page.locator("body").inner_text().startswith(begins)


def test_colors_have_contrast(visit: Visit, url: str) -> None:
    """Text and states differ from their background, and the style sheet is not blocked."""
    visit.page.goto(url)
    ground = sum(visit.color("body", "background-color"))
    for selector in ("h1", "td.ok", "summary", "nav a", "thead th"):
        assert abs(sum(visit.color(selector)) - ground) > 200
    red, green, blue = visit.color("td.ok")
    assert green > max(red, blue)


def test_dark_scheme_has_a_dark_page(browser: Browser, url: str) -> None:
    """The page follows the preference of the browser."""
    grounds = []
    for scheme in ("light", "dark"):
        context = browser.new_context(java_script_enabled=False, color_scheme=scheme)
        visit = Visit(context)
        visit.page.goto(url)
        grounds.append(sum(visit.color("body", "background-color")))
        context.close()
    light, dark = grounds
    assert light > 600
    assert dark < 150


def test_narrow_screen_does_not_scroll_sideways(browser: Browser, url: str) -> None:
    """Tables scroll within themselves."""
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto(url)
    assert page.locator("html").evaluate("element => element.scrollWidth <= 390")
    context.close()
