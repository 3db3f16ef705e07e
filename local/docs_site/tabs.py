"""The same step in several languages becomes tabs.

The source is plain Markdown, so that a code host shows the blocks one below the other: a line that is only the bold
name of a language, then a block of code, and the same again for the next language.
"""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from local.docs_site.elements import make

LANGUAGES = ("JavaScript", "Python", "curl")


def fold_tabs(root: Element) -> None:
    """Replace each run of two or more labelled blocks below `root` with a set of tabs."""
    number = 0
    for parent in list(root.iter()):
        for run in list(_find_runs(list(parent))):
            number += 1
            place = list(parent).index(run[0][0])
            for label, block in run:
                parent.remove(label)
                parent.remove(block)
            parent.insert(place, _build_set(number, [(label[0].text or "", block) for label, block in run]))


def _find_runs(children: list[Element]) -> Iterator[list[tuple[Element, Element]]]:
    run: list[tuple[Element, Element]] = []
    place = 0
    while place < len(children):
        if place + 1 < len(children) and _is_label(children[place]) and _is_code(children[place + 1]):
            run.append((children[place], children[place + 1]))
            place += 2
            continue
        if len(run) > 1:
            yield run
        run = []
        place += 1
    if len(run) > 1:
        yield run


def _is_label(element: Element) -> bool:
    alone = element.tag == "p" and len(element) == 1 and not (element.text or "").strip()
    return alone and element[0].tag == "strong" and element[0].text in LANGUAGES and not (element[0].tail or "").strip()


def _is_code(element: Element) -> bool:
    return element.tag == "div" and element.get("class") == "highlight"


def _build_set(number: int, blocks: list[tuple[str, Element]]) -> Element:
    """The markup that the theme's style sheet and script know as tabs."""
    tabs = make("div", class_="tabbed-set tabbed-alternate", data_tabs=f"{number}:{len(blocks)}")
    labels, contents = make("div", class_="tabbed-labels"), make("div", class_="tabbed-content")
    for position, (name, block) in enumerate(blocks, start=1):
        chosen = {"checked": "checked"} if position == 1 else {}
        identity = f"__tabbed_{number}_{position}"
        tabs.append(make("input", id=identity, name=f"__tabbed_{number}", type="radio", **chosen))
        labels.append(make("label", name, for_=identity))
        content = make("div", class_="tabbed-block")
        block.tail = "\n"
        content.append(block)
        contents.append(content)
    tabs.extend([labels, contents])
    return tabs
