"""How soon the page is there: `python -m bench.page`, with the sample data of `guanxi demo` and a Chromium.

Prints the seconds from the command to a drawn board, of which entering the sample is most; and of a running demo, with
a browser that has never been there, the milliseconds to the first paint of each view, and until it is drawn.
"""

import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from shutil import which
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page, sync_playwright

VIEWS = ("board", "customers", "due", "panels")
_TIMES = 7
_FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


@contextmanager
def demo(folder: str) -> Iterator[str]:
    """The demo, started in a folder: the address of its page."""
    command = [sys.executable, "-c", "from guanxi.cli.commands import main; main()", "demo", "--port", "0"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=folder, text=True, **pipes) as process:  # type: ignore[call-overload]
        try:
            found = next(filter(None, (re.search(r"http://[\d.:]+", line) for line in process.stdout)))
            yield found.group()
        finally:
            process.terminate()


@contextmanager
def chromium() -> Iterator[Browser]:
    """The Chromium of this machine."""
    path = next(filter(None, map(which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def drawn(page: Page, url: str, view: str) -> float:
    """Opens a view and waits until it is drawn; in seconds."""
    began = time.perf_counter()
    page.goto(f"{url}/#/{view}")
    page.locator("main h1").wait_for()
    page.locator("main:not([aria-busy])").wait_for()
    return time.perf_counter() - began


def main() -> None:
    """Measures and prints."""
    with TemporaryDirectory(prefix="guanxi-") as folder, chromium() as browser:
        began = time.perf_counter()
        with demo(folder) as url:
            drawn(browser.new_context().new_page(), url, "board")
            print(f"from `guanxi demo` to a drawn board: {time.perf_counter() - began:.1f} s")
            for view in VIEWS:
                paints, whole = [], []
                for _ in range(_TIMES):
                    page = browser.new_context().new_page()
                    whole.append(drawn(page, url, view) * 1000)
                    paints.append(page.evaluate(_FIRST_PAINT))
                    page.context.close()
                paint, end = statistics.median(paints), statistics.median(whole)
                print(f"{view}: first paint after {paint:.0f} ms, drawn after {end:.0f} ms")


if __name__ == "__main__":
    main()
