"""Makes the reference pictures of the hosted pages: `python -m docs.pictures.pages [NAME...]`.

One sheet for each page: light, dark, a phone, and from right to left on a phone. `pages.json` says of which HTML each
sheet was made; a test compares that with what the templates, the style sheet and the messages give now.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from chalicelib.pages.render import render
from docs.pictures.palette import reduce_colours
from tests.pages.examples import Page, every_page

HERE = Path(__file__).resolve().parent
SHEETS = HERE / "pages"
MADE_OF = HERE / "pages.json"
MAX_BYTES = 350_000
# Of the pages without a decision one for each look; their words differ, and nothing else.
NOTICES = ("error-redirect_uri_wrong", "error-cookie_missing", "error-provider_unavailable", "error-signed_out")
# Language, scheme, width in CSS pixels, and how large it is in the sheet.
VIEWS = (("en", "light", 1000, 0.56), ("de", "dark", 1000, 0.56), ("ja", "light", 375, 0.72), ("ar", "dark", 375, 0.72))
SHEET = """<!doctype html><meta charset="utf-8"><style>
body{{margin:0;padding:16px;display:flex;gap:16px;align-items:flex-start;background:#8b93a7;width:max-content}}
img{{display:block;border-radius:6px}}
</style>{}"""


def pictured() -> dict[str, Page]:
    """The pages that have a sheet, by the name of its file."""
    pages = every_page()
    shown = [name for name in pages if not name.startswith("error-") or name in NOTICES]
    return {name.replace(",", "").replace(" ", "-"): pages[name] for name in shown}


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


def main(names: list[str]) -> None:
    """Those that are named, or whatever has changed since its sheet was made."""
    known = json.loads(MADE_OF.read_text(encoding="utf-8")) if MADE_OF.is_file() else {}
    pages = {name: (page, digest(page)) for name, page in pictured().items()}
    wanted = [name for name, (_, now) in pages.items() if name in names or (not names and known.get(name) != now)]
    SHEETS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for name in wanted:
            make_sheet(browser, pages[name][0], SHEETS / f"{name}.png")
            known[name] = pages[name][1]
        browser.close()
    for file in SHEETS.glob("*.png"):
        if file.stem not in pages:
            file.unlink()
    kept = {name: known[name] for name in pages if name in known}
    MADE_OF.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
