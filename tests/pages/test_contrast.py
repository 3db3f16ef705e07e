"""The colours can be told apart in both modes: WCAG 2.2, 1.4.3 for text and 1.4.11 for controls and focus."""

import re

import pytest

from chalicelib.pages.headers import style_sheet

TEXT = 4.5
CONTROL = 3.0
PAIRS = [
    *((colour, ground, TEXT) for colour in ("ink", "quiet", "accent") for ground in ("card", "panel", "ground")),
    *(("warn", ground, TEXT) for ground in ("warn-tint", "card", "panel")),
    ("stop", "stop-tint", TEXT),
    ("accent", "accent-tint", TEXT),
    ("card", "ink", TEXT),
    ("on-accent", "accent", TEXT),
    ("on-cancel", "cancel", TEXT),
    ("control", "card", CONTROL),
    ("accent", "card", CONTROL),
    ("cancel", "card", CONTROL),
]


def _palette(dark: bool) -> dict[str, str]:
    light, night = re.findall(r":root \{(.*?)\n *\}", style_sheet(), re.DOTALL)
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", night if dark else light))


def _luminance(colour: str) -> float:
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2.2, from 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("colour", "ground", "least"), PAIRS)
def test_a_colour_stands_out_from_its_ground(colour: str, ground: str, least: float, dark: bool) -> None:
    palette = _palette(dark)
    assert contrast(palette[colour], palette[ground]) >= least


def test_the_ratio_is_computed_as_the_guidelines_do() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


def test_both_palettes_name_the_same_colours() -> None:
    assert _palette(False).keys() == _palette(True).keys()


def test_colours_come_from_the_palette_alone() -> None:
    rules = re.sub(r":root \{.*?\n *\}", "", style_sheet(), flags=re.DOTALL)
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b|rgb\(", rules)
