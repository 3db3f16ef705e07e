"""Makes the reference pictures of the hosted pages.

    python -m docs.pictures.pages                   the sheets that docs/pages.md shows, as far as they changed
    python -m docs.pictures.pages FOLDER [NAME...]  into a folder of yours: all pages, or those you name

A sheet shows one page four times: light, dark, on a phone, and from right to left on a phone. `pages.json` stores a
digest of the HTML of each stored sheet. A test compares it with what templates, style sheet and messages give now.
"""

import base64
import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from chalicelib.pages.render import render
from docs.pictures.palette import reduce_colours
from tests.browser.pages.examples import Page, every_page

HERE = Path(__file__).resolve().parent
SHEETS = HERE / "pages"
MADE_OF = HERE / "pages.json"
MAX_BYTES = 350_000
# docs/pages.md shows these.
SHOWN = ("choice", "device-choice", "account", "error-redirect_uri_wrong")
# Language, scheme, width in CSS pixels, and how large it is in the sheet.
VIEWS = (("en", "light", 1000, 0.56), ("de", "dark", 1000, 0.56), ("ja", "light", 375, 0.72), ("ar", "dark", 375, 0.72))
SHEET = """<!doctype html><meta charset="utf-8"><style>
body{{margin:0;padding:16px;display:flex;gap:16px;align-items:flex-start;background:#8b93a7;width:max-content}}
img{{display:block;border-radius:6px}}
</style>{}"""


def pictured() -> dict[str, Page]:
    """Every page by the name of its sheet."""
    return {name.replace(",", "").replace(" ", "-"): page for name, page in every_page().items()}


def html_of(page: Page, language: str) -> str:
    """The page as it stands: one that goes on by itself stays."""
    return render(page, language).replace('http-equiv="refresh"', 'name="stays"')


def digest(page: Page) -> str:
    """Of all that the sheet shows."""
    return hashlib.sha256("".join(html_of(page, view[0]) for view in VIEWS).encode()).hexdigest()[:32]


def make_sheet(browser: Browser, page: Page, file: Path) -> None:
    """The four views side by side."""
    images = []
    for language, scheme, width, scale in VIEWS:
        height = 640 if width > 600 else 700
        context = browser.new_context(
            viewport={"width": width, "height": height},
            device_scale_factor=scale,
            color_scheme=scheme,  # type: ignore[arg-type]
            reduced_motion="reduce",
        )
        tab = context.new_page()
        tab.set_content(html_of(page, language))
        shot = base64.b64encode(tab.screenshot(full_page=True)).decode()
        images.append(f'<img src="data:image/png;base64,{shot}" alt="">')
        context.close()
    sheet = browser.new_page(viewport={"width": 1800, "height": 100})
    sheet.set_content(SHEET.format("".join(images)))
    file.write_bytes(reduce_colours(sheet.locator("body").screenshot()))
    sheet.close()
    size = file.stat().st_size
    print(f"{file.name}: {size // 1000} kB")
    if size > MAX_BYTES:
        raise SystemExit(f"{file.name} is larger than {MAX_BYTES // 1000} kB")


def make_sheets(names: Iterable[str], folder: Path) -> None:
    pages = pictured()
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for name in names:
            make_sheet(browser, pages[name], folder / f"{name}.png")
        browser.close()


def main(arguments: list[str]) -> None:
    if arguments:
        return make_sheets(arguments[1:] or pictured(), Path(arguments[0]))
    known = json.loads(MADE_OF.read_text(encoding="utf-8"))
    now = {name: digest(pictured()[name]) for name in SHOWN}
    make_sheets([name for name in SHOWN if known.get(name) != now[name]], SHEETS)
    MADE_OF.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
