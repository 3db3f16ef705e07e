"""How the pages of one deployment look, as values; `theming` reads them from the operator's file."""

from msgspec import Struct


class Theme(Struct, frozen=True, kw_only=True):
    """What the pages of one deployment look like; without anything in it they look like ours.

    css                what follows our style sheet
    logo, dark_logo    data URIs; dark_logo is shown on a dark card
    name               who the logo is of
    """

    css: str = ""
    logo: str = ""
    dark_logo: str = ""
    name: str = ""
