"""Pages as a browser shows them."""

import html
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage", "--no-first-run",
          "--enable-logging=stderr", "--virtual-time-budget=5000", "--force-device-scale-factor=1")
# A frame has a width of its own, whatever the narrowest window of the browser is.
_WRAPPER = """<!DOCTYPE html><meta charset="utf-8"><link rel="icon" href="data:,"><body style="margin:0">
<iframe id="page" width="{width}" height="{height}" style="border:0" srcdoc="{page}"></iframe><pre id="found"></pre><script>
document.getElementById("page").onload = function () {{
  const inside = this.contentDocument, images = [...inside.images];
  document.getElementById("found").textContent = "FOUND" + JSON.stringify({{
    overflow: inside.documentElement.scrollWidth - {width}, height: inside.documentElement.scrollHeight,
    images: images.length, blank: images.filter(image => !(image.complete && image.naturalWidth > 1)).length,
    unnamed: images.filter(image => !image.alt).length, title: inside.title, text: inside.body.innerText,
    outside: [...inside.querySelectorAll("[src],[href]")].map(e => e.src || e.href).filter(a => !a.startsWith("data:")),
  }}) + "END";
}};
</script>"""


@dataclass(frozen=True)
class Shown:
    """What a browser made of a page at some width."""

    overflow: int
    height: int
    images: int
    blank: int
    unnamed: int
    title: str
    text: str
    outside: list[str]
    console: list[str]


@dataclass(frozen=True)
class Browser:
    """Chromium without a window."""

    program: str
    folder: Path

    def run(self, *arguments: str, window: str = "1300,900") -> subprocess.CompletedProcess[str]:
        command = [self.program, *_FLAGS, f"--user-data-dir={self.folder / 'profile'}", f"--window-size={window}", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)

    def show(self, page: str, width: int) -> Shown:
        """Lay a page out at a width, in CSS pixels."""
        done = self.run("--dump-dom", self._wrapped(page, width, 900))
        found = re.search(r"FOUND(\{.*\})END", done.stdout, re.S)
        assert found, f"the page was not loaded: {done.stderr[-2000:]}"
        console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        return Shown(**json.loads(html.unescape(found[1])), console=console)

    def photograph(self, page: str, width: int, height: int) -> Path:
        """A PNG of the top of a page."""
        self.run(f"--screenshot={self.folder / 'shot.png'}", self._wrapped(page, width, height), window=f"{width},{height}")
        return self.folder / "shot.png"

    def print(self, page: str) -> bytes:
        """The page on paper, as a PDF."""
        path = self.folder / "printed.html"
        path.write_text(page, encoding="utf-8")
        self.run("--no-pdf-header-footer", f"--print-to-pdf={self.folder / 'printed.pdf'}", path.as_uri())
        return (self.folder / "printed.pdf").read_bytes()

    def _wrapped(self, page: str, width: int, height: int) -> str:
        path = self.folder / f"wrapper-{width}.html"
        path.write_text(_WRAPPER.format(width=width, height=height, page=html.escape(page, quote=True)), encoding="utf-8")
        return path.as_uri()


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("no Chromium is installed (Debian: apt install chromium)")
    folder = tmp_path / "browser"
    folder.mkdir()
    return Browser(program, folder)


@pytest.fixture
def check(browser: Browser) -> Callable[[str, int], Shown]:
    """Show a page and hold it against what every page must be."""

    def show(page: str, width: int) -> Shown:
        shown = browser.show(page, width)
        assert shown.console == []
        assert shown.overflow <= 0
        assert (shown.blank, shown.unnamed, shown.outside) == (0, 0, [])
        return shown

    return show
