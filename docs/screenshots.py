"""Makes the pictures of the documentation: `python docs/screenshots.py`, of the demo, by Chromium; needs CJK fonts."""

import sys
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent))
from bench.page import chromium, demo, drawn

FOLDER = Path(__file__).parent / "images"
#: Each picture: the view, whether it is dark, the language, the width and height of the window.
PICTURES = {
    "board": ("board", False, "en-GB", 1440, 860),
    "board_dark": ("board", True, "en-GB", 1440, 860),
    "board_narrow": ("board", False, "zh-CN", 390, 800),
    "customers": ("customers", False, "en-GB", 1280, 800),
    "customer_zh": ("customers/{id}", False, "zh-CN", 1280, 960),
    "due_dark": ("due", True, "en-GB", 1280, 800),
    "panels": ("panels", False, "en-GB", 1440, 980),
}
#: Enough for text on plain colours.
_COLOURS = 192
#: Panels in sight that are not drawn yet.
_UNDRAWN = ".panel:nth-child(-n+4)[aria-busy]"
_VALUABLE = "{ customers(first: 1, orderBy: [{currentValue: DESC}]) { nodes { id } } }"


def main() -> None:
    """Makes all of them."""
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="guanxi-") as folder, demo(folder) as url, chromium() as browser:
        request = browser.new_context().request
        answer = request.post(f"{url}/graphql", data={"query": _VALUABLE}).json()
        valuable = answer["data"]["customers"]["nodes"][0]["id"]
        for name, (view, dark, language, width, height) in PICTURES.items():
            scheme = "dark" if dark else "light"
            size = {"width": width, "height": height}
            page = browser.new_context(viewport=size, color_scheme=scheme, locale=language).new_page()
            drawn(page, url, view.format(id=valuable))
            page.wait_for_selector(_UNDRAWN, state="detached")
            picture = Image.open(BytesIO(page.screenshot())).convert("RGB")
            few = picture.quantize(_COLOURS, dither=Image.Dither.NONE)
            few.save(FOLDER / f"{name}.png", optimize=True)
            page.context.close()


if __name__ == "__main__":
    main()
