"""Makes the picture of docs/console.md from a console with an hour of requests: `python -m docs.pictures.console`."""

import tempfile
from pathlib import Path

from docs.pictures.palette import reduce_colours
from tests.kit.chromium import chromium
from tests.kit.cli.console_scene import start_scene

PICTURE = Path(__file__).resolve().parent / "console.png"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, start_scene(Path(folder)) as scene, chromium() as browser:
        page = browser.new_page(viewport={"width": 1180, "height": 720}, color_scheme="light")
        page.goto(scene.link)
        page.get_by_role("heading", name="Deployment").wait_for()
        PICTURE.write_bytes(reduce_colours(page.screenshot()))
        print(f"{PICTURE.name}: {PICTURE.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
