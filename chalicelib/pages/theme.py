"""The look of one deployment's pages, as values; `theme_file` reads them from the operator's file."""

from msgspec import Struct


class Theme(Struct, frozen=True, kw_only=True):
    """Colours and logo of one deployment; the defaults are the broker's own.

    css                appended to the style sheet
    logo, dark_logo    data URIs; dark_logo is shown on a dark card
    name               the name in the logo
    """

    css: str = ""
    logo: str = ""
    dark_logo: str = ""
    name: str = ""
