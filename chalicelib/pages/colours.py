"""The colours of the pages: the pairs that need contrast, and the nearest colour that fixes a pair without it."""

import re
from collections.abc import Mapping
from typing import Final

from chalicelib.pages.headers import STYLE

TEXT, CONTROL = 4.5, 3.0
# Colour, background, and their least contrast: WCAG 1.4.3 for text, 1.4.11 for controls and focus.
PAIRS: Final = (
    *(
        (colour, ground, TEXT)
        for colour in ("ink", "quiet", "accent", "warn", "stop")
        for ground in ("card", "panel", "ground")
    ),
    ("accent", "accent-tint", TEXT),
    ("on-accent", "accent", TEXT),
    ("warn", "warn-tint", TEXT),
    ("stop", "stop-tint", TEXT),
    ("card", "stop", TEXT),
    ("card", "ink", TEXT),
    *(("control", ground, CONTROL) for ground in ("card", "panel", "ground")),
)


def check_contrast(scheme: str, given: Mapping[str, str]) -> list[str]:
    """One fault for each colour with too little contrast, with the nearest colour that has enough."""
    palette = {**read_palette(scheme), **given}
    faults: dict[str, str] = {}
    for colour, ground, least in PAIRS:
        ratio = contrast(palette[colour], palette[ground])
        name = colour if colour in given else ground
        if ratio >= least or name in faults or name not in given:
            continue
        nearest = find_nearest(name, palette)
        advice = f"the nearest that passes is {nearest}" if nearest else "none passes beside the other colours"
        faults[name] = (
            f"{scheme}.{name} {palette[name]}: {colour} on {ground} has a contrast of {int(ratio * 100) / 100:.2f}, "
            f"and {least} is the least; {advice}"
        )
    return list(faults.values())


def find_nearest(name: str, palette: Mapping[str, str]) -> str | None:
    """The colour nearest to this one, towards black or white, that has every contrast; None if there is none."""
    ours = [pair for pair in PAIRS if name in pair[:2]]
    for step in range(1, 256):
        for end in (0, 255):
            tried = dict(palette) | {name: _mix(palette[name], end, step / 255)}
            if all(contrast(tried[colour], tried[ground]) >= least for colour, ground, least in ours):
                return tried[name]
    return None


def read_palette(scheme: str) -> dict[str, str]:
    """The broker's own colours by name."""
    light, dark = re.findall(r":root \{(.*?)\n *\}", STYLE.read_text(encoding="utf-8"), re.DOTALL)
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", dark if scheme == "dark" else light))


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2, from 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = (channel / 255 for channel in _channels(colour))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _channels(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def _mix(colour: str, end: int, share: float) -> str:
    return "#" + "".join(f"{round(channel + (end - channel) * share):02x}" for channel in _channels(colour))
