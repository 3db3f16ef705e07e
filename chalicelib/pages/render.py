"""Values to HTML. Templates and the style sheet are read once, at the first page of a container."""

from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from chalicelib.pages import text
from chalicelib.pages.display import is_printable, read_host, read_initial, read_link, read_link_host, read_name
from chalicelib.pages.headers import page_headers, style_sheet
from chalicelib.pages.page import (
    ChoicePage,
    DeviceLines,
    DevicePage,
    ErrorPage,
    LoginFirstPage,
    PartialPage,
    PostingPage,
    ProviderOption,
    ScopeLine,
    SignOutPage,
)

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

__all__ = [
    "ChoicePage",
    "DeviceLines",
    "DevicePage",
    "ErrorPage",
    "LoginFirstPage",
    "PartialPage",
    "PostingPage",
    "ProviderOption",
    "ScopeLine",
    "SignOutPage",
    "page_headers",
    "render_choice",
    "render_connect",
    "render_device",
    "render_device_choice",
    "render_error",
    "render_leaving",
    "render_login_first",
    "render_partial",
    "render_posting",
    "render_sign_out",
    "render_waiting",
]

_TEMPLATES = Path(__file__).with_name("templates")
# Where a value of one browser goes into a page that is kept; names, hosts and links are cleaned of such characters.
_HOLE = "\x00"
_NEVER_A_TARGET = frozenset({"javascript", "data", "vbscript", "file", "blob", "about"})


def render_choice(page: ChoicePage) -> str:
    """The choice page; its answer needs `page_headers(has_form=True)`."""
    known = msgspec.json.encode(msgspec.structs.replace(page, sealed_request=_HOLE))
    kept = _choice(known)
    if kept.count(_HOLE) != 1:  # somebody else's text holds the mark: this page is not kept apart from its hole
        return _render("choice.html", site=page.site, page=page, text=text.CHOICE)
    return kept.replace(_HOLE, _escape(page.sealed_request))


@lru_cache(256)
def _choice(known: bytes) -> str:
    """The page of one app and request, but for what is sealed for one browser: keyed by everything that it shows."""
    page = msgspec.json.decode(known, type=ChoicePage)
    return _render("choice.html", site=page.site, page=page, text=text.CHOICE)


def render_device_choice(page: ChoicePage) -> str:
    """The choice page of a device's request; its answer needs `page_headers(has_form=True)`."""
    return _render("choice.html", site=page.site, page=page, text=text.DEVICE_CHOICE)


def render_device(page: DevicePage) -> str:
    """Where a user code is typed; its answer needs `page_headers(has_form=True)`."""
    return _render("device.html", site=page.site, page=page, text=text.DEVICE)


def render_connect(page: ChoicePage) -> str:
    """The page of a connect link; its answer needs `page_headers(has_form=True)`."""
    return _render("choice.html", site=page.site, page=page, text=text.CONNECT)


def render_login_first(page: LoginFirstPage) -> str:
    """A connect link where nobody is signed in; its answer needs `page_headers(has_form=True)`."""
    return _render("login_first.html", site=page.site, page=page, text=text.LOGIN_FIRST)


def render_partial(page: PartialPage) -> str:
    """Less was given than asked; its answer needs `page_headers(has_form=True)`."""
    return _render("partial.html", site=page.site, page=page, text=text.PARTIAL)


def render_sign_out(page: SignOutPage) -> str:
    """Sign out, or stay; its answer needs `page_headers(has_form=True)`."""
    return _render("sign_out.html", site=page.site, page=page, text=text.SIGN_OUT)


def render_error(page: ErrorPage) -> str:
    """An explanation without a form. An unknown name is a fault of ours and raises KeyError."""
    return _render_notice(page, refresh=None)


def render_waiting(url: str, *, site: str = "") -> str:
    """A page that asks again by itself after two seconds; `url` is ours, a path or absolute."""
    if not is_printable(url):
        raise ValueError("the place to ask again is not a URI")
    return _render_notice(ErrorPage(name="waiting", site=site), refresh=url)


def render_leaving(url: str, provider_name: str, *, site: str = "") -> str:
    """A page that goes on to `url` at once: a redirect after a form of ours would fall under its `form-action`.

    url   a provider's authorization URL or a registered redirect URI, private schemes included
    """
    scheme = url.partition(":")[0].lower()
    if not is_printable(url) or ":" not in url or scheme in _NEVER_A_TARGET:
        raise ValueError("no page may lead there")
    return _leaving(provider_name, site).replace(_HOLE, _escape(url))


def render_posting(page: PostingPage) -> str:
    """An answer that the browser posts to an app; its answer needs `page_headers(has_form=True, posts_to=...)`."""
    if not is_printable(page.action) or not page.action.startswith(("https://", "http://")):
        raise ValueError("no form may lead there")
    return _render("posting.html", site=page.site, page=page, text=text.POSTING)


@lru_cache(256)
def _leaving(provider_name: str, site: str) -> str:
    return _render("leaving.html", site=site, url=_HOLE, name=provider_name, text=text.LEAVING)


def _escape(value: str) -> str:
    from markupsafe import escape

    return str(escape(value))


def _render_notice(page: ErrorPage, *, refresh: str | None) -> str:
    return _render("notice.html", site=page.site, page=page, notice=text.NOTICES[page.name], refresh=refresh)


def _render(template: str, **values: object) -> str:
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"fill": _fill, "name": _isolate, "clock": _read_clock}
    environment.filters |= {"host": read_host, "link": read_link, "link_host": read_link_host}
    environment.globals |= {"frame": text.FRAME, "plain": read_name, "initial": read_initial}
    environment.globals["style"] = Markup(style_sheet())  # noqa: S704 - our own file; its hash is in the policy
    environment.globals["icons"] = environment.get_template("icons.html").module
    return environment


def _fill(sentence: str, **values: "str | Markup") -> "Markup":
    """Put values into one of our sentences; both are escaped, markup of ours excepted."""
    from markupsafe import escape

    return escape(sentence).format(**values)


def _read_clock(seconds: int) -> str:
    """The time of day, in the one zone that we know: without a script a page cannot ask for the reader's."""
    return f"{seconds // 3600 % 24:02}:{seconds // 60 % 60:02} UTC"


def _isolate(value: str) -> "Markup":
    """A stranger's name, isolated so that right-to-left letters in it move nothing around it."""
    from markupsafe import Markup

    return Markup("<bdi>{}</bdi>").format(read_name(value))
