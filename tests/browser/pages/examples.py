"""One of each page, and a small reader of HTML."""

from html.parser import HTMLParser

from msgspec import structs
from msgspec.structs import replace

from chalicelib.pages.consent import (
    ChoicePage,
    ConnectPage,
    DeviceChoicePage,
    DeviceLines,
    PartialPage,
    Person,
    ProviderOption,
    ReturningPage,
    ScopeLine,
)
from chalicelib.pages.developer import MachineBox, RefusalBox
from chalicelib.pages.leaving import LeavingPage, PostingPage
from chalicelib.pages.notices import NOTICES
from chalicelib.pages.page import DevicePage, ErrorPage, LoginFirstPage, Page, RootPage, SignOutPage
from chalicelib.pages.render import render
from tests.browser.pages.account_examples import account_pages

READ = ScopeLine(name="github:read:user", title="read your profile")
WRITE = ScopeLine(name="github:repo", title="change your repositories", access="write")
OPTIONAL = ScopeLine(name="github:gist", title="create gists", access="write", optional=True)
GITHUB = ProviderOption(provider_id="github", display_name="GitHub", host="github.com")
GOOGLE = ProviderOption(provider_id="google", display_name="Google", host="accounts.google.com")

CHOICE = ChoicePage(
    client_name="Acme Notes",
    client_verified=True,
    client_host="acme.example",
    redirect_host="app.acme.example",
    redirect_on_device=False,
    providers=(GITHUB,),
    own_scopes=(
        ScopeLine(name="openid", is_ours=True),
        ScopeLine(name="profile", is_ours=True),
        ScopeLine(name="email", is_ours=True, optional=True),
    ),
    provider_scopes={"github": (READ, WRITE, OPTIONAL)},
    lasts_days=30,
    sealed_request="sealed",
    policy_uri="https://acme.example/privacy",
    tos_uri="https://acme.example/terms",
    purpose="Keeps your notes beside the code that they are about.",
    site="auth.example.com",
)
SEVERAL = replace(CHOICE, providers=(replace(GITHUB, used_last=True), GOOGLE))
NAMES_ITSELF = replace(
    CHOICE,
    client_verified=False,
    purpose="",
    client_host="agent.example",
    client_document="https://agent.example/client.json",
    redirect_host="127.0.0.1:49152",
    redirect_on_device=True,
)
UNVERIFIED = replace(
    NAMES_ITSELF,
    client_document="",
    client_host="127.0.0.1:49152",
    registered_at=1_800_000_000,
)
IMPLIED = replace(SEVERAL, is_implied=True, provider_scopes={})
ALICE = Person(name="Alice Example", handle="alice", provider_name="GitHub")
DEVICE = DeviceLines(
    user_code="BCDF-GHJK", asked_from="203.0.113.7", same_network=False, asked_at=1_800_000_000, minutes=2
)
PARTIAL = PartialPage(
    client_name="Acme Notes", provider_name="GitHub", granted=(READ,), missing=(WRITE,), sealed_request="sealed"
)
RETURNING = ReturningPage(
    client_name="Acme Notes",
    client_host="acme.example",
    redirect_host="app.acme.example",
    redirect_on_device=False,
    person=ALICE,
    approved_at=1_800_000_000,
    sealed_request="sealed",
    site="auth.example.com",
)
LOGIN_FIRST = LoginFirstPage(client_name="Acme Notes", provider_name="GitHub", login_name="Google", action="/connect/x")
SIGN_OUT = SignOutPage(client_name="Acme Notes", sealed_request="sealed", action="/logout", person=ALICE)

MACHINE = MachineBox(
    host="127.0.0.1",
    issuer="http://127.0.0.1:8080",
    first_app="python3 dev.py broker client create --name 'My app' --redirect-uri http://localhost:5173/callback",
    apps=3,
    providers=(("GitHub", True), ("Acme ID", False)),
    live="http://127.0.0.1:8090/",
)
REFUSED = RefusalBox(
    host="127.0.0.1",
    reason="redirect_uri_not_registered",
    reference="0f3c1d2e-1111-4222-8333-444455556666",
    explain="python3 dev.py broker explain 0f3c1d2e-1111-4222-8333-444455556666",
    expected=("http://localhost:5173/callback", "com.example.app:/callback"),
    received=("http://localhost:5173/Callback/",),
    client_id="0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f",
    more=(("standing", "enabled"),),
    repair="python3 dev.py broker client update 0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f "
    "--add-redirect-uri=http://localhost:5173/Callback/",
    repair_label="register",
)

POSTING = PostingPage(
    name="acme.example", action="https://acme.example/back", fields=(("code", "tb_c"), ("state", "a&b"), ("iss", "x"))
)


def every_page() -> dict[str, Page]:
    """Every page there is, by a name for it."""
    pages: dict[str, Page] = {
        f"error-{name}": ErrorPage(name=name, link="https://a.example/", request_id="r1", site="auth.example.com")
        for name in NOTICES
    }
    choice = structs.asdict(CHOICE)
    return pages | {
        **account_pages(),
        "choice": CHOICE,
        "choice of an app with a document": NAMES_ITSELF,
        "choice of a stranger": UNVERIFIED,
        "choice of a stranger and several": replace(UNVERIFIED, providers=SEVERAL.providers),
        "choice of several": SEVERAL,
        "choice for an own app": IMPLIED,
        "choice on this machine": replace(CHOICE, redirect_on_device=True, redirect_host="127.0.0.1:49152"),
        "choice with an account for later": replace(CHOICE, later=(GOOGLE,), provider_scopes={"google": (READ, WRITE)}),
        "connect": ConnectPage(**{**choice, "lasts_days": 0, "own_scopes": (), "person": ALICE}),
        "connect for a stranger": ConnectPage(
            **{**structs.asdict(NAMES_ITSELF), "lasts_days": 0, "own_scopes": (), "person": replace(ALICE, name="")}
        ),
        "device": DevicePage(site="auth.example.com"),
        "device, a code that is wrong": DevicePage(wrong=True, user_code="BCDF-GHJK"),
        "device, compare": DevicePage(user_code="BCDF-GHJK"),
        "device choice": DeviceChoicePage(**{**choice, "device": DEVICE, "redirect_host": "", "client_host": ""}),
        "device choice of a stranger": DeviceChoicePage(
            **{**structs.asdict(UNVERIFIED), "device": DEVICE, "redirect_host": "", "redirect_on_device": False}
        ),
        "login first": LOGIN_FIRST,
        "sign out": SIGN_OUT,
        "sign out of somebody": replace(SIGN_OUT, client_name=None, person=replace(ALICE, name="", handle="")),
        "partial": PARTIAL,
        "partial, nothing allowed": replace(PARTIAL, granted=()),
        "returning": RETURNING,
        "returning, unnamed": replace(RETURNING, person=replace(ALICE, name="", handle=""), redirect_on_device=True),
        "root": RootPage(site="auth.example.com", docs="https://docs.example.com/"),
        "root on this machine": RootPage(site="127.0.0.1:8080", developer=MACHINE),
        "error on this machine": ErrorPage(
            name="redirect_uri_wrong", request_id=REFUSED.reference, site="127.0.0.1:8080", developer=REFUSED
        ),
        "error without a link": ErrorPage(name="redirect_uri_wrong", request_id="r1", site="auth.example.com"),
        "device done": ErrorPage(name="device_done", client_name="Acme TV", site="auth.example.com"),
        "signed out": ErrorPage(
            name="signed_out", link="https://a.example/", client_name="Acme Notes", provider_name="GitHub"
        ),
        "not found": ErrorPage(name="not_found", site="auth.example.com"),
        "posting": POSTING,
        "waiting": ErrorPage(name="waiting", refresh="/callback/github?state=x&code=y"),
        "leaving": LeavingPage(url="https://github.com/login?a=1&b=2", name="GitHub"),
    }


def in_words(page: Page, language: str = "en") -> "Reader":
    """The page as a person in this language reads it."""
    return Reader(render(page, language))


class Reader(HTMLParser):
    """Elements in order with their attributes, the style sheet as it stands, and the text that a person sees."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.style = ""
        self._inside = ""
        self._words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_data(self, data: str) -> None:
        if self._inside == "style":
            self.style += data
        else:
            self._words.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    @property
    def words(self) -> str:
        """All text in one line."""
        return " ".join("".join(self._words).split())

    def all(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        """The attributes of every such element that has the wanted values."""
        return [have for name, have in self.elements if name == tag and wanted.items() <= have.items()]
