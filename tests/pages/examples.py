"""One of each page, and a small reader of HTML."""

from html.parser import HTMLParser

from msgspec.structs import replace

from chalicelib.pages import text
from chalicelib.pages.render import (
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
    render_choice,
    render_connect,
    render_device,
    render_device_choice,
    render_error,
    render_leaving,
    render_login_first,
    render_partial,
    render_posting,
    render_sign_out,
    render_waiting,
)

READ = ScopeLine(name="github:read:user", title="read your profile")
WRITE = ScopeLine(name="github:repo", title="change your repositories", access="write")
OPTIONAL = ScopeLine(name="github:gist", title="create gists", access="write", optional=True)
GITHUB = ProviderOption(provider_id="github", display_name="GitHub", host="github.com", selected=True)
GOOGLE = ProviderOption(provider_id="google", display_name="Google", host="accounts.google.com")

CHOICE = ChoicePage(
    client_name="Acme Notes",
    client_verified=True,
    client_host="acme.example",
    redirect_host="app.acme.example",
    redirect_is_loopback=False,
    providers=(GITHUB,),
    own_scopes=(ScopeLine(name="email", title="see your e-mail address", optional=True),),
    provider_scopes={"github": (READ, WRITE, OPTIONAL)},
    lasts="until you take it back, at most 30 days",
    sealed_request="sealed",
    policy_uri="https://acme.example/privacy",
    tos_uri="https://acme.example/terms",
    site="auth.example.com",
)
NAMES_ITSELF = replace(
    CHOICE,
    client_verified=False,
    client_host="agent.example",
    names_itself=True,
    redirect_host="127.0.0.1:49152",
    redirect_is_loopback=True,
)
DEVICE = DeviceLines(
    user_code="BCDF-GHJK", asked_from="203.0.113.7", same_network=False, asked_at=1_800_000_000, minutes=2
)
PARTIAL = PartialPage(
    client_name="Acme Notes", provider_name="GitHub", granted=(READ,), missing=(WRITE,), sealed_request="sealed"
)
LOGIN_FIRST = LoginFirstPage(client_name="Acme Notes", provider_name="GitHub", login_name="Google", action="/connect/x")
SIGN_OUT = SignOutPage(client_name="Acme Notes", sealed_request="sealed", action="/logout")

POSTING = PostingPage(
    name="acme.example", action="https://acme.example/back", fields=(("code", "tb_c"), ("state", "a&b"), ("iss", "x"))
)


def every_page() -> dict[str, str]:
    """Every page there is, by a name for it."""
    pages = {f"error-{name}": render_error(ErrorPage(name=name, link="https://a.example/")) for name in text.NOTICES}
    return pages | {
        "choice": render_choice(CHOICE),
        "choice of an app with a document": render_choice(NAMES_ITSELF),
        "connect": render_connect(CHOICE),
        "device": render_device(DevicePage(site="auth.example.com")),
        "device, a code that is wrong": render_device(DevicePage(wrong=True)),
        "device, compare": render_device(DevicePage(user_code="BCDF-GHJK")),
        "device choice": render_device_choice(replace(CHOICE, device=DEVICE, redirect_host="", client_host="")),
        "login first": render_login_first(LOGIN_FIRST),
        "sign out": render_sign_out(SIGN_OUT),
        "partial": render_partial(PARTIAL),
        "posting": render_posting(POSTING),
        "waiting": render_waiting("/callback/github?state=x&code=y"),
        "leaving": render_leaving("https://github.com/login?a=1&b=2", "GitHub"),
    }


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
