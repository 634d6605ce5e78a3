"""Pages of a release in a real Chromium: as a person sees them, and what axe-core has against them."""

from __future__ import annotations

import shutil
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
in_browser = pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")
# Tables are built once they are opened; what opens tells so in a task of its own.
_OPEN_ALL = """async () => {
  for (const more of document.querySelectorAll("details")) more.open = true;
  await new Promise((after) => setTimeout(after, 100));
}"""

# The share of blocks of 8 × 8 pixels whose mean brightness differs by more than a tenth of the whole: how letters are
# smoothed is lost in a block, what is moved, missing or of another colour is not.
_DIFFERENT = """async (pictures) => {
  const [[wide, high, one], [width, height, other]] = await Promise.all(pictures.map(async (picture) => {
    const image = new Image();
    image.src = `data:image/jpeg;base64,${picture}`;
    await image.decode();
    const canvas = new OffscreenCanvas(Math.ceil(image.width / 8), Math.ceil(image.height / 8));
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const grey = [];
    for (let i = 0; i < data.length; i += 4) grey.push(0.3 * data[i] + 0.59 * data[i + 1] + 0.11 * data[i + 2]);
    return [image.width, image.height, grey];
  }));
  if (wide !== width || high !== height) return 1;
  return one.filter((grey, i) => Math.abs(grey - other[i]) > 25).length / one.length;
}"""


@contextmanager
def browser() -> Iterator[Browser]:
    """Chromium, for the tests of one module: as long as it runs, the thread has an event loop."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@contextmanager
def opened(
    started: Browser, path: Path, view: str = "", width: int = 1280, height: int = 900, scheme: str = "light"
) -> Iterator[Page]:
    """A page, drawn; its script must neither fail nor ask for anything besides the page (which its policy refuses)."""
    told: list[str] = []
    page = started.new_page(
        viewport={"width": width, "height": height}, color_scheme="dark" if scheme == "dark" else "light",
        locale="vi-VN", reduced_motion="reduce",
    )  # fmt: skip
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.goto(f"{path.resolve().as_uri()}{view}")
    if path.parent.name == "dashboard":
        page.wait_for_selector("html[data-ready]", state="attached")
    yield page
    page.close()
    assert told == []


def open_all(page: Page) -> None:
    """Open whatever is folded."""
    page.evaluate(_OPEN_ALL)


def barriers(page: Page) -> list[str]:
    """What keeps people from using it, by axe-core: findings that it calls serious or critical, a line each."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {[node['html'][:150] for node in one['nodes'][:3]]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def picture(page: Page) -> bytes:
    """What the window shows, as JPEG."""
    return page.screenshot(type="jpeg", quality=50, animations="disabled", caret="hide")


def difference(started: Browser, one: bytes, other: bytes) -> float:
    """How much two pictures differ to an eye: 0 alike, 1 wholly, or of another size."""
    page = started.new_page()
    share: float = page.evaluate(_DIFFERENT, [b64encode(taken).decode() for taken in (one, other)])
    page.close()
    return share


def text_width(page: Page) -> float:
    """Pixels of a line in the page's own letters: another font breaks lines elsewhere."""
    width: float = page.evaluate(
        """() => {
          const line = document.createElement("span");
          line.textContent = "Tỷ lệ hồ sơ giải quyết trước và đúng hạn 0123456789";
          line.style.cssText = "position: absolute; white-space: nowrap";
          document.body.append(line);
          const { width } = line.getBoundingClientRect();
          line.remove();
          return width;
        }"""
    )
    return width
