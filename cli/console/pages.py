"""Renders the console's pages: Jinja with autoescape, one inline style sheet, no script."""

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from cli.console.message import Response
from cli.invocation import as_typed

_HERE = Path(__file__).parent
SECTIONS = (
    ("/", "Overview"),
    ("/clients", "Clients"),
    ("/providers", "Providers"),
    ("/users", "Users"),
    ("/connections", "Connections"),
    ("/apis", "APIs"),
    ("/refusals", "Refusals"),
    ("/jobs", "Jobs"),
    ("/keys", "Keys"),
    ("/audit", "Audit"),
    ("/health", "Health"),
)


@cache
def style_sheet() -> str:
    """The style sheet, as inlined into every page."""
    return (_HERE / "style.css").read_text(encoding="utf-8").strip()


@cache
def security_headers() -> tuple[tuple[str, str], ...]:
    """Headers of every response: nothing loads, nothing frames, nothing is stored."""
    digest = base64.b64encode(hashlib.sha256(style_sheet().encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    return (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", policy),
        ("X-Frame-Options", "DENY"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Cache-Control", "no-store"),
    )


def render(template: str, *, status: int = 200, **values: Any) -> Response:
    """A page. `values` are those of the template and, in a session, `base`, `csrf` and `issuer`."""
    style = Markup(style_sheet())  # noqa: S704 - the project's own file; its hash is in the policy
    body = _environment().get_template(template).render(style=style, sections=SECTIONS, status=status, **values)
    return Response(status=status, body=body)


def link(*parts: str, **query: str | int | None) -> str:
    """The path of a page: each part is one segment, whatever it contains."""
    path = "/" + "/".join(quote(part, safe="") for part in parts)
    given = {name: value for name, value in query.items() if value not in (None, "")}
    return path + (f"?{urlencode(given)}" if given else "")


def show(value: Any) -> str:
    """One value in words."""
    if value is None or value in ("", [], {}):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(show, value))
    if isinstance(value, dict):
        return ", ".join(f"{name}: {show(one)}" for name, one in value.items() if one is not None)
    return str(value)


def label(name: str) -> str:
    """A member's name as a label: `client_id` -> `Client ID`."""
    words = name.replace("_", " ").split()
    text = " ".join(_SPELLED.get(word, word) for word in words)
    return text[:1].upper() + text[1:]


def prose(text: str) -> Markup:
    """A sentence whose `commands` are set as code."""
    parts = as_typed(str(text)).split("`")
    if len(parts) % 2 == 0:
        return escape(as_typed(text))
    return Markup("").join(Markup("<code>{}</code>").format(one) if n % 2 else one for n, one in enumerate(parts))


def moment(text: str | None) -> str:
    """A time as commands print it, without its letters: `2026-12-03 07:34:21 UTC`."""
    return text.replace("T", " ").replace("Z", " UTC") if text else "-"


_SPELLED = {
    "alg": "algorithm",
    "api": "API",
    "auth": "authentication",
    "bff": "BFF",
    "dpop": "DPoP",
    "id": "ID",
    "jwks": "JWKS",
    "kid": "key ID",
    "uri": "URI",
    "uris": "URIs",
    "url": "URL",
}


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"show": show, "label": label, "moment": moment, "prose": prose, "typed": as_typed}
    environment.globals |= {"link": link}
    return environment
