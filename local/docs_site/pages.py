"""Which files of the repository are on the site, and under which address.

Every Markdown page is, and every file that a page links to: a picture as it is, a source file as a page that shows it,
a folder as its README or as the list of its files. No link leaves the site for a code host, whose address nobody knows.
"""

import posixpath
import subprocess
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
RAW = (".png", ".webp", ".svg")
LANGUAGES = {
    f".{ending}": language
    for language, endings in {
        "css": "css",
        "hcl": "tf",
        "html": "html svelte vue",
        "js": "js mjs",
        "json": "json",
        "python": "py",
        "sh": "sh",
        "toml": "toml",
        "ts": "ts",
        "tsx": "tsx",
        "xml": "xml",
    }.items()
    for ending in endings.split()
}
RENAMED = {"README.md": "index.html", "docs/README.md": "documentation.html", "SECURITY.md": "security-policy.html"}
# Shown as a page up to this size, and above it as a file: the description of the HTTP interface has 250 KB.
MOST_SHOWN = 60_000


@cache
def tracked() -> tuple[str, ...]:
    """Files that are or would be committed."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return tuple(sorted(name for name in listed.split("\0") if name and (ROOT / name).is_file()))


def list_sources() -> list[Path]:
    """What the site is made of: the pages, and the style and settings of the site."""
    return [ROOT / name for name in tracked() if name.endswith(".md") or name.startswith("docs/")]


def resolve(page: str, link: str) -> str:
    """The path in the repository that a relative link of a page leads to; empty for a link elsewhere."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc or not parts.path:
        return ""
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), parts.path))


def follow(page: str, link: str) -> str:
    """The link as the site has it: to the page that shows a source file or a folder."""
    target = resolve(page, link)
    shown = show_as(target) if target else target
    if shown == target:
        return link
    fragment = urlsplit(link).fragment
    return posixpath.relpath(shown, posixpath.dirname(page) or ".") + (f"#{fragment}" if fragment else "")


def show_as(target: str) -> str:
    """The name of the file or page of the site for a path of the repository; MkDocs reports one that does not exist."""
    if not (ROOT / target).exists():
        return target
    if (ROOT / target).is_dir():
        readme = posixpath.join(target, "README.md")
        return readme if (ROOT / readme).is_file() else posixpath.join(target, "files.md")
    is_raw = target.endswith((".md", *RAW)) or (ROOT / target).stat().st_size > MOST_SHOWN
    return target if is_raw else f"{target}.md"


def address(name: str) -> str:
    """The path of a page or file on the site."""
    if not name.endswith(".md"):
        return name.removeprefix("docs/")
    if name in RENAMED:
        return RENAMED[name]
    path, _, title = name.removesuffix(".md").rpartition("/")
    if "." in title or title == "files":
        # Some static hosts serve no folder whose name begins with a dot.
        return f"source/{name.removesuffix('.md').replace('/.', '/').removeprefix('.')}.html"
    page = "index" if title == "README" else title.lower()
    return posixpath.join(path, f"{page}.html").removeprefix("docs/")


def source_page(target: str) -> str:
    """The Markdown that shows a source file."""
    text = (ROOT / target).read_text(encoding="utf-8")
    known = LANGUAGES.get(posixpath.splitext(target)[1], "text")
    return f"{HIDDEN}# {posixpath.basename(target)}\n\n`{target}`\n\n`````{known}\n{text.rstrip()}\n`````\n"


def folder_page(folder: str) -> str:
    """The Markdown that lists the files of a folder."""
    names = [name for name in tracked() if posixpath.dirname(name) == folder]
    lines = [f"- [{posixpath.basename(name)}]({posixpath.basename(name)})" for name in names]
    return f"{HIDDEN}# {folder}\n\n" + "\n".join(lines) + "\n"


# A search finds the documentation, not the sources that it links to.
HIDDEN = "---\nsearch:\n  exclude: true\n---\n\n"
