"""What MkDocs calls while it builds the site; docs/site/mkdocs.yml names this file."""

from collections import Counter
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files, InclusionLevel

from local.docs_site.navigation import INDEX, build_navigation
from local.docs_site.pages import ROOT, address, folder_page, resolve, show_as, source_page, tracked
from local.docs_site.rendering import CodeHostMarkdown, list_links, name_heading

markdown = CodeHostMarkdown()


def on_config(config: Any) -> Any:
    """Render as a code host does, and build the menu from the index."""
    config.markdown_extensions.append(markdown)
    config.mdx_configs["toc"] = {"slugify": name_heading, "permalink": True, "permalink_title": "Link to this heading"}
    titles = {page: (ROOT / page).read_text(encoding="utf-8").partition("\n")[0].lstrip("# ") for page in list_pages()}
    config.nav = build_navigation((ROOT / INDEX).read_text(encoding="utf-8"), titles)
    return config


def on_files(files: Files, config: Any) -> Files:
    """Every Markdown page, and every file that one of them links to."""
    texts = {page: (ROOT / page).read_text(encoding="utf-8") for page in list_pages()}
    waiting, made = list(texts), set(texts)
    while waiting:
        page = waiting.pop()
        files.append(make_file(page, texts.get(page), config))
        for link in list_links(page, texts.get(page, "")) if page.endswith(".md") else ():
            target = resolve(page, link)
            shown = show_as(target) if target else ""
            if shown and shown not in made and (ROOT / target).exists():
                made.add(shown)
                waiting.append(shown)
                if shown.endswith(".md"):
                    texts[shown] = folder_page(target) if (ROOT / target).is_dir() else source_page(target)
    addresses = Counter(file.dest_uri for file in files)
    if twice := [name for name, times in addresses.items() if times > 1]:
        raise PluginError(f"two pages have the address {', '.join(twice)}")
    return files


def on_page_markdown(text: str, page: Any, **_: object) -> str:
    """Tell the renderer from where the links of this page lead."""
    markdown.page = page.file.src_uri
    return text


def list_pages() -> list[str]:
    return [name for name in tracked() if name.endswith(".md")]


def make_file(name: str, text: str | None, config: Any) -> File:
    """A page with its text, or a file as it is."""
    # MkDocs would leave out what begins with a dot.
    included = InclusionLevel.INCLUDED
    file = File(name, None, config.site_dir, use_directory_urls=False, dest_uri=address(name), inclusion=included)
    if text is None:
        file.abs_src_path = str(ROOT / name)
    else:
        file.content_string = text
    return file
