"""The pages that officials and newcomers open, in a real Chromium: for everyone, on any screen, without a network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support import browser as real
from tests.support.browser import barriers, difference, open_all, opened, picture, text_width

pytestmark = real.in_browser
BASELINES = Path(__file__).parent / "baselines"
# Path, view, width, scheme, and whether all that is folded is opened (the review page folds every row).
LOOKS = [
    ("dashboard/index.html", "", 1280, "light", True),
    ("dashboard/index.html", "", 390, "dark", False),
    ("dashboard/index.html", "#agency=H33.15", 768, "dark", True),
    ("review/index.html", "", 1280, "light", False),
    ("review/index.html", "", 390, "dark", False),
    ("docs/index.html", "", 390, "dark", True),
    ("docs/kpis.html", "?q=ho+tich", 1280, "light", True),
    ("docs/dictionary.html", "?q=fct_dossiers", 390, "dark", True),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with real.browser() as started:
        yield started


@pytest.fixture(scope="module")
def release(home: Path) -> Path:
    return (home / "current").resolve()


@pytest.mark.parametrize(("path", "view", "width", "scheme", "is_opened"), LOOKS)
def test_everyone_can_use_it(
    chromium: Browser, release: Path, path: str, view: str, width: int, scheme: str, is_opened: bool
) -> None:
    with opened(chromium, release / path, view, width, scheme=scheme) as page:
        if is_opened:
            open_all(page)
        assert barriers(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"


@pytest.fixture(scope="module")
def renews(request: pytest.FixtureRequest) -> bool:
    return request.config.getoption("--renew-baselines")


@pytest.mark.parametrize("width", [1280, 768, 390])
@pytest.mark.parametrize("name", ["dashboard", "docs"])
def test_it_looks_as_it_did(chromium: Browser, release: Path, renews: bool, name: str, width: int) -> None:
    """Pictures are kept that a person has looked at (CONTRIBUTING.md)."""
    kept, letters = BASELINES / f"{name}-{width}.jpg", BASELINES / "letters.json"
    with opened(chromium, release / name / "index.html", width=width, height=1200) as page:
        taken, wide = picture(page), text_width(page)
    if renews:
        BASELINES.mkdir(exist_ok=True)
        kept.write_bytes(taken)
        letters.write_text(json.dumps({"text_width": wide}) + "\n", "utf-8")
    if abs(wide - json.loads(letters.read_text("utf-8"))["text_width"]) > 1:
        pytest.skip("the letters of this machine are not those of the pictures")
    assert difference(chromium, kept.read_bytes(), taken) < 0.02


def test_another_look_is_seen(chromium: Browser, release: Path) -> None:
    with opened(chromium, release / "docs" / "index.html", width=768) as page:
        before = picture(page)
        assert difference(chromium, before, picture(page)) == 0
        page.add_style_tag(content=".doors li { margin-top: 12px }")
        assert difference(chromium, before, picture(page)) > 0.02


def test_a_barrier_is_seen(chromium: Browser, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<html><title>x</title><body><input><p style='color:#eee'>text</p>", "utf-8")
    with opened(chromium, tmp_path / "page.html") as page:
        assert {one.partition(":")[0] for one in barriers(page)} >= {"label", "color-contrast", "html-has-lang"}


def test_the_dictionary_is_searched_without_accents(chromium: Browser, release: Path) -> None:
    with opened(chromium, release / "docs" / "dictionary.html", "?q=thoi+diem") as page:
        assert page.input_value("#sought") == "thoi diem"
        found = page.locator(".found:visible")
        everywhere = found.count()
        page.fill("#sought", "thoi diem fct_dossier_events")
        assert 0 < found.count() < everywhere
        assert all("thời điểm" in text.lower() for text in found.all_inner_texts())
        assert page.url.endswith("?q=thoi%20diem%20fct_dossier_events")


def test_the_lineage_opens_without_a_network(chromium: Browser, release: Path) -> None:
    """dbt's own page names pictures that it draws later; nothing is asked of another machine."""
    asked: list[str] = []
    page = chromium.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.goto((release / "docs" / "lineage.html").as_uri() + "#!/model/model.cchc.kpi_values")
    page.wait_for_selector("h1:has-text('kpi_values')")
    page.click("[ng-click='onLauncherClick()']")
    page.wait_for_selector("canvas")
    page.close()
    assert asked and [url for url in asked if not url.startswith(("file:", "data:"))] == []
