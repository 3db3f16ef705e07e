"""The headers of every page (THREATS GEN-23) and the style sheet whose hash they contain."""

import base64
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Final

from chalicelib.pages.theme import Theme

STYLE: Final = Path(__file__).with_name("style.css")
OURS: Final = Theme()


@lru_cache(4)
def style_sheet(theme: Theme = OURS) -> str:
    """The one style sheet, as inlined between the style tags of every page."""
    return f"{STYLE.read_text(encoding='utf-8')}{theme.css}".strip()


@lru_cache(4)
def style_hash(theme: Theme = OURS) -> str:
    """The style sheet's source expression for the Content-Security-Policy (CSP level 3, section 2.3.1)."""
    digest = hashlib.sha256(style_sheet(theme).encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


@lru_cache(256)
def page_headers(
    *, has_form: bool, has_images: bool = False, posts_to: str = "'self'", theme: Theme = OURS
) -> tuple[tuple[str, str], ...]:
    """All headers of a page except its cookies.

    has_images it shows a provider's own mark
    posts_to   the one origin that its form may go to
    has_form   the page's form needs `same-origin`: under `no-referrer` browsers send `Origin: null` with it
    """
    policy = "; ".join(
        (
            "default-src 'none'",
            f"style-src {style_hash(theme)}",
            *(("img-src data:",) if theme.logo or has_images else ()),
            f"form-action {posts_to}" if has_form else "form-action 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    )
    return (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", policy),
        ("X-Frame-Options", "DENY"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin" if has_form else "no-referrer"),
        ("Cache-Control", "no-store"),
        ("Pragma", "no-cache"),
    )
