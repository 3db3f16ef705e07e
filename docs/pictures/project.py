"""Makes the picture of docs/sign-in-with-github.md from the copied React project: `python -m docs.pictures.project`."""

import base64
import io
import tempfile
from pathlib import Path

from playwright.sync_api import Browser

from cli.deployment import running_stack
from docs.pictures.palette import reduce_colours
from local.demo.chosen import Chosen
from local.demo.demo import start_demo
from local.demo.simulated import find_simulated
from tests.kit.browser_steps import decide, sign_in_at_provider
from tests.kit.chromium import chromium
from tests.local.recipes.started_project import start_project

PICTURE = Path(__file__).resolve().parent / "project.png"
SIZE = {"width": 540, "height": 420}
SHEET = """<!doctype html><meta charset="utf-8"><style>
body{{margin:0;padding:24px;display:flex;gap:24px;background:#8b93a7;width:max-content}}
img{{display:block;border-radius:8px}}
</style>{}"""


def take(browser: Browser, url: str) -> list[bytes]:
    """The page before the sign-in, and with what GitHub's API returned."""
    with browser.new_context(viewport=SIZE) as context:  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(url)
        button = page.get_by_role("button", name="Continue with GitHub")
        button.wait_for()
        shots = [page.screenshot()]
        button.click()
        decide(page)
        sign_in_at_provider(page)
        page.get_by_role("button", name="Read my GitHub account").click()
        page.locator("pre", has_text="login").wait_for()
        return [*shots, page.screenshot()]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        running_stack.FOLDER = Path(folder)
        stack = start_demo(io.StringIO(), free_ports=True, chosen=Chosen(None, find_simulated(["github"])))
        with stack.broker.as_running("demo"), start_project("react") as url:
            shots = take(browser, url)
        stack.stop()
        sheet = browser.new_page(viewport={"width": 1300, "height": 100})
        images = (base64.b64encode(shot).decode() for shot in shots)
        sheet.set_content(SHEET.format("".join(f'<img src="data:image/png;base64,{each}" alt="">' for each in images)))
        PICTURE.write_bytes(reduce_colours(sheet.locator("body").screenshot()))
        print(f"{PICTURE.name}: {PICTURE.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
