"""An operator's colours and logo: what nobody could read is refused with what could be read (WCAG 2.2, 1.4.3)."""

import re
from pathlib import Path

import pytest

from chalicelib.config import ConfigurationError, read_theme
from chalicelib.pages.colours import PAIRS, contrast, find_nearest, read_palette
from chalicelib.pages.headers import page_headers, style_hash, style_sheet
from chalicelib.pages.render import render
from chalicelib.pages.theme import Theme
from chalicelib.pages.theme_file import COLOURS, MAX_LOGO_BYTES
from chalicelib.records.settings import Settings
from tests.browser.pages.examples import CHOICE, Reader
from tests.kit.requirement import requirement

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
SVG = b'<?xml version="1.0"?>\n<!-- ours --><svg xmlns="http://www.w3.org/2000/svg"/>'
PLUM = '[light]\naccent = "#7a1fa2"\naccent-tint = "#f6e8fb"\n[dark]\naccent = "#e3b3f5"\naccent-tint = "#34203c"\n'


def read(folder: Path, told: str) -> Theme:
    """The theme that this file says."""
    (folder / "theme.toml").write_text(told)
    return read_theme(Settings(issuer="https://broker.example", theme=str(folder / "theme.toml")))


def faults(folder: Path, told: str) -> list[str]:
    """Why this file is refused, without the name of the setting."""
    with pytest.raises(ConfigurationError) as refused:
        read(folder, told)
    assert all(fault.startswith("BROKER_THEME: ") for fault in refused.value.faults)
    return [fault.removeprefix("BROKER_THEME: ") for fault in refused.value.faults]


@requirement("PAGE-04")
def test_colours_reach_the_style_sheet_of_their_own_scheme_and_the_policy_names_its_hash(tmp_path: Path) -> None:
    theme = read(tmp_path, PLUM)
    page = Reader(render(CHOICE, theme=theme))
    assert page.style == style_sheet(theme) and page.style.startswith(style_sheet())
    light, dark = page.style.removeprefix(style_sheet()).strip().splitlines()
    assert light == "@media (prefers-color-scheme: light) { :root { --accent: #7a1fa2; --accent-tint: #f6e8fb; } }"
    assert dark == "@media (prefers-color-scheme: dark) { :root { --accent: #e3b3f5; --accent-tint: #34203c; } }"
    policy = dict(page_headers(has_form=True, theme=theme))["Content-Security-Policy"]
    assert f"style-src {style_hash(theme)};" in policy and style_hash(theme) != style_hash()
    assert "img-src" not in policy


@requirement("PAGE-04")
def test_without_a_theme_nothing_is_added() -> None:
    assert read_theme(Settings(issuer="https://broker.example")) == Theme()
    assert Reader(render(CHOICE)).style == style_sheet()


@requirement("PAGE-04")
@pytest.mark.parametrize(
    ("told", "name", "said"),
    [
        ('[light]\naccent = "#777777"', "accent", "accent on card has a contrast of 4.47"),
        ('[light]\nquiet = "#8a8a8a"', "quiet", "quiet on card"),
        ('[dark]\nquiet = "#444444"', "quiet", "quiet on card"),
        ('[light]\non-accent = "#0a5c4d"', "on-accent", "on-accent on accent has a contrast of 1.00"),
        ('[light]\ncontrol = "#dddddd"', "control", "control on card"),
        ('[light]\ncard = "#555555"', "card", "ink on card"),
    ],
)
def test_a_colour_that_cannot_be_told_apart_is_refused_with_the_nearest_that_can(
    tmp_path: Path, told: str, name: str, said: str
) -> None:
    (fault,) = faults(tmp_path, told)
    assert said in fault
    nearest = re.search(r"the nearest that passes is (#[0-9a-f]{6})$", fault)
    assert nearest, fault
    given = re.search(r'"(#[0-9a-f]{6})"', told)
    assert given and read(tmp_path, told.replace(given[1], nearest[1])).css


@requirement("PAGE-04")
def test_the_nearest_is_the_first_on_the_way_that_keeps_every_contrast() -> None:
    palette = read_palette("light") | {"accent": "#777777"}
    nearest = find_nearest("accent", palette)
    assert nearest and nearest < "#777777"
    brighter = "#" + "".join(f"{int(nearest[i : i + 2], 16) + 1:02x}" for i in (1, 3, 5))
    kept = [contrast({**palette, "accent": nearest}[ground], nearest) for one, ground, _ in PAIRS if one == "accent"]
    lost = [contrast({**palette, "accent": brighter}[ground], brighter) for one, ground, _ in PAIRS if one == "accent"]
    assert min(kept) >= 4.5 > min(lost)


@requirement("PAGE-04")
def test_where_the_other_colours_leave_no_room_that_is_said(tmp_path: Path) -> None:
    told = '[light]\nground = "#ffffff"\ncard = "#000000"\nink = "#00ff00"'
    assert any(fault.endswith("none passes beside the other colours") for fault in faults(tmp_path, told))


@requirement("PAGE-04")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_our_own_colours_keep_every_contrast(scheme: str) -> None:
    palette = read_palette(scheme)
    assert set(COLOURS) <= palette.keys() == read_palette("light").keys()
    assert not [pair for pair in PAIRS if contrast(palette[pair[0]], palette[pair[1]]) < pair[2]]


@requirement("PAGE-04")
def test_colours_come_from_the_palette_alone() -> None:
    rules = re.sub(r":root \{.*?\n *\}", "", style_sheet(), flags=re.DOTALL)
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b|rgb\(", rules)


@requirement("PAGE-04")
def test_the_ratio_is_computed_as_the_guidelines_do() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@requirement("PAGE-04")
@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("[light", "it is no TOML file that can be read"),
        ('light = "red"', "light must be a table"),
        ("[night]", "night is not a part of a theme"),
        ('[light]\nwarn = "#000000"', "light.warn is not a colour of a theme"),
        ('[light]\ncancel = "#000000"', "light.cancel is not a colour of a theme"),
        ('[light]\naccent = "red"', "light.accent must be a colour like #0a5c4d"),
        ('[light]\naccent = "#0A5C4D"', "light.accent must be a colour like #0a5c4d"),
        ('[light]\naccent = "#000000;}body{display:none"', "light.accent must be a colour like #0a5c4d"),
        ("[dark]\naccent = 5", "dark.accent must be a colour like #0a5c4d"),
        ('[logo]\nfile = "ours.png"', "logo needs a file and the name that it stands for"),
        ('[logo]\nfile = 5\nname = "A"', "logo.file must be text"),
        ('[logo]\nfile = "none.png"\nname = "A"', "logo.file cannot be read"),
        ('[logo]\nfile = "page.html"\nname = "A"', f"logo.file must be PNG or SVG of at most {MAX_LOGO_BYTES} bytes"),
        ('[logo]\nfile = "large.png"\nname = "A"', f"logo.file must be PNG or SVG of at most {MAX_LOGO_BYTES} bytes"),
        ('[logo]\nlink = "https://a.example/"', "logo.link is not a part of a logo"),
    ],
)
def test_what_cannot_be_a_theme_is_refused_in_words(tmp_path: Path, told: str, said: str) -> None:
    (tmp_path / "page.html").write_text("<html><svg></svg>")
    (tmp_path / "large.png").write_bytes(PNG + bytes(MAX_LOGO_BYTES))
    assert faults(tmp_path, told) == [said]


@requirement("PAGE-04")
def test_a_logo_stands_in_the_page_and_the_policy_lets_no_other_image_in(tmp_path: Path) -> None:
    (tmp_path / "ours.svg").write_bytes(SVG)
    (tmp_path / "dark.png").write_bytes(PNG)
    theme = read(tmp_path, '[logo]\nfile = "ours.svg"\ndark_file = "dark.png"\nname = "Acme \\"& Co"')
    page = Reader(render(CHOICE, theme=theme))
    (image,) = page.all("img", alt='Acme "& Co')
    assert str(image["src"]).startswith("data:image/svg+xml;base64,")
    (dark,) = page.all("source", media="(prefers-color-scheme: dark)")
    assert str(dark["srcset"]).startswith("data:image/png;base64,")
    policy = dict(page_headers(has_form=False, theme=theme))["Content-Security-Policy"]
    assert "img-src data:" in policy.split("; ") and "default-src 'none'" in policy.split("; ")
