"""Makes the pictures of the README from the running demo: `.venv/bin/python docs/pictures/make.py`."""

import base64
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from animated import join_frames
from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MAX_BYTES = 400_000
SHOT = {"width": 1120, "height": 800}
CHOICE_SHOT = {"width": 820, "height": 1030}
APP_SHOT = {"width": 1280, "height": 1190}
DRAWING = {"width": 1100, "height": 760}
LIVE_SHOT = {"width": 1280, "height": 1000}
SHEET = """<!doctype html><meta charset="utf-8"><style>
body{margin:0;padding:28px;display:flex;gap:28px;align-items:flex-start;background:#8b93a7}
img{display:block;width:780px;border-radius:12px;box-shadow:0 10px 34px #0006}
</style>"""


@contextmanager
def demo(*providers: str) -> Iterator[dict[str, str]]:
    """The demo's places while it runs."""
    command = [sys.executable, "dev.py", "demo", "--json", *(f"--provider={name}" for name in providers)]
    with tempfile.TemporaryDirectory() as state:
        environ = {**os.environ, "TOKEN_BROKER_STATE": state}
        with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield json.loads(process.stdout.readline()) if process.stdout else {}
            finally:
                process.terminate()


def take_choice(browser: Browser, app: str, scheme: str) -> bytes:
    """Our page, where GitHub and Google are offered."""
    context = browser.new_context(viewport=CHOICE_SHOT, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(app)
    page.locator("#sign-in:enabled").click()
    page.get_by_role("button", name="Continue with GitHub").hover()  # waits until it is armed
    page.mouse.move(0, 0)
    page.wait_for_timeout(400)
    shot = page.screenshot()
    context.close()
    return shot


def take(browser: Browser, app: str, scheme: str) -> bytes:
    """The app after both providers' APIs have answered."""
    context = browser.new_context(viewport=SHOT, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(app)
    page.locator("#sign-in:enabled").click()
    page.get_by_role("button", name="Continue with").click()
    page.get_by_role("button", name="Sign in as Alice").click()
    _connect(page)
    for card, way in (("demo", "hand-out"), ("calendar", "proxy")):
        page.locator(f"#card-{card} [data-action={way}]:enabled").click()
        page.locator(f"#card-{card} .answer li").first.wait_for()
    page.locator("#card-calendar [data-action=proxy]:enabled").wait_for()
    page.locator("body").click(position={"x": 2, "y": 2})
    page.set_viewport_size(APP_SHOT)  # type: ignore[arg-type]
    page.evaluate("scrollTo(0, 0)")
    shot = page.screenshot()
    context.close()
    return shot


def take_live(browser: Browser, places: dict[str, str], scheme: str) -> bytes:
    """The live view after a sign-in that it watched, the redeeming of the code opened."""
    context = browser.new_context(viewport=LIVE_SHOT, color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    live, page = context.new_page(), context.new_page()
    live.goto(places["live"])
    live.get_by_role("button", name="Clear").click()
    page.goto(places["app"])
    page.locator("#sign-in:enabled").click()
    page.get_by_role("button", name="Continue with").click()
    page.get_by_role("button", name="Sign in as Alice").click()
    page.locator("#card-demo [data-action=hand-out]:enabled").click()
    page.locator("#card-demo .answer li").first.wait_for()
    live.bring_to_front()
    live.locator(".arrow.ask", has_text="The app redeems its code").click()
    live.locator(".back[aria-expanded=true]").evaluate("arrow => arrow.scrollIntoView({ block: 'center' })")
    live.locator(".pkce").evaluate("part => part.scrollIntoView({ block: 'center' })")
    live.locator("#details").evaluate("part => part.focus({ preventScroll: true })")
    shot = live.screenshot()
    context.close()
    return shot


def _connect(page: Page) -> None:
    """The calendar, in a tab of its own."""
    with page.context.expect_page() as opened:
        page.locator("#card-calendar [data-action=connect]:enabled").click()
    tab = opened.value
    tab.get_by_role("button", name="Continue with").click()
    tab.get_by_role("button", name="Sign in as Alice").click()
    page.locator("#card-calendar .said", has_text="is connected").wait_for()
    tab.close()


def take_drawing(browser: Browser, places: dict[str, str]) -> list[bytes]:
    """The live view as it draws itself: a picture after each click in the app, and after something was broken."""
    context = browser.new_context(viewport=DRAWING, color_scheme="light", reduced_motion="reduce")  # type: ignore[arg-type]
    live, page = context.new_page(), context.new_page()
    live.goto(places["live"])
    live.get_by_role("button", name="Clear").click()
    live.locator("#empty").wait_for()
    shots = [live.screenshot()]

    def shoot() -> None:
        live.bring_to_front()
        live.wait_for_timeout(300)
        shots.append(live.screenshot())
        page.bring_to_front()

    page.goto(places["app"])
    page.locator("#sign-in:enabled").click()
    page.get_by_role("button", name="Continue with").wait_for()
    shoot()
    page.get_by_role("button", name="Continue with").click()
    page.get_by_role("button", name="Sign in as Alice").wait_for()
    shoot()
    page.get_by_role("button", name="Sign in as Alice").click()
    page.locator("#card-demo [data-action=hand-out]:enabled").click()
    page.locator("#card-demo .answer li").first.wait_for()
    shoot()
    live.locator(".arrow.ask", has_text="The app redeems its code").click()
    live.locator(".pkce").evaluate("part => part.scrollIntoView({ block: 'center' })")
    shoot()
    live.get_by_role("button", name="Replay the code").click()
    live.locator(".refusal").wait_for()
    shoot()
    context.close()
    return shots


def compose(page: Page, shots: list[bytes], path: Path) -> None:
    """Side by side, in one PNG."""
    images = "".join(f'<img src="data:image/png;base64,{base64.b64encode(shot).decode()}">' for shot in shots)
    page.set_content(SHEET + images)
    page.locator("body").screenshot(path=path)
    check_size(path)


def check_size(path: Path) -> None:
    """Say how large a picture is. Raises SystemExit where that is too much for a page."""
    size = path.stat().st_size
    print(f"{path.relative_to(ROOT)}: {size // 1000} kB")
    if size > MAX_BYTES:
        raise SystemExit(f"{path.name} is larger than {MAX_BYTES // 1000} kB")


def main() -> None:
    """One picture per page, light beside dark."""
    with demo() as places, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        sheet = browser.new_page(viewport={"width": 2 * 780 + 3 * 28, "height": 640})
        with demo("github", "google") as others:
            choices = [take_choice(browser, others["app"], scheme) for scheme in ("light", "dark")]
        compose(sheet, choices, HERE / "choice.png")
        compose(sheet, [take(browser, places["app"], scheme) for scheme in ("light", "dark")], HERE / "app.png")
        lives = [take_live(browser, places, scheme) for scheme in ("light", "dark")]
        compose(sheet, lives, HERE / "live.png")
        drawing = take_drawing(browser, places)
        join_frames(sheet, drawing, [1, 1, 1, 1.5, 2.5, 3], HERE / "live.webp")
        check_size(HERE / "live.webp")
        browser.close()


if __name__ == "__main__":
    main()
