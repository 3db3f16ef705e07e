"""The section of a provider file that names the provider's mark."""

from typing import Literal

from msgspec import Struct


class MarkRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The provider's mark on the buttons of the hosted pages; without a file, letters are shown.

    letters     one or two letters; without them, letters of the display name
    file        SVG or PNG, square, at most 4,096 bytes, in the folder of the provider file or in one folder below it
    dark_file   the same, shown on a dark card
    tile        white: the mark is always shown on white, because its owner allows no other ground
    terms       the page on which the owner of the mark allows this use; needed beside `file`
    """

    letters: str = ""
    file: str = ""
    dark_file: str = ""
    tile: Literal["card", "white"] = "card"
    terms: str = ""
