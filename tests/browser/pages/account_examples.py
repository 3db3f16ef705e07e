"""One of each page of My access, as full as the reference pictures need them."""

from typing import Any

from msgspec.structs import replace

from chalicelib.pages.account import (
    AccountDataPage,
    AccountEntryPage,
    AccountPage,
    AccountRow,
    AccountsPage,
    AppRow,
    LoginLine,
)
from chalicelib.pages.account_app import (
    AccountApp,
    AccountAppPage,
    AccountConnection,
    ActedLine,
    ConnectedAccountPage,
)
from chalicelib.pages.account_results import (
    AccountConfirmPage,
    AccountEndedPage,
    AccountErasePage,
    EndedLine,
    EndedToken,
)
from chalicelib.pages.consent import ProviderOption, ScopeLine
from chalicelib.pages.page import Page

NOW = 1_800_000_000
DAY = 86_400
ID = "0" * 32
PLACE: dict[str, Any] = {"action": "/account", "site": "auth.example.com"}
FORM: dict[str, Any] = {**PLACE, "sealed_form": "sealed", "now": NOW}
TAB: dict[str, Any] = {**FORM, "login_name": "GitHub", "user_label": "Alice Example", "sign_out": "/logout"}
READ = ScopeLine(name="github:read:org", title="read your organizations and teams")
WRITE = ScopeLine(name="github:public_repo", title="read and change your public repositories", access="write")
EMAIL = ScopeLine(name="email", is_ours=True)
PROFILE = ScopeLine(name="profile", is_ours=True)
OPTIONS = tuple(
    ProviderOption(provider_id=name.lower(), display_name=name) for name in ("GitHub", "Google", "Northwind")
)
LONG = "Ledger, Money, Receipts & Invoices for Very Small Teams of Freelancers and their Bookkeepers"
ENDLESS = "x" * 80


def row(name: str, providers: tuple[str, ...] = (), kind: Any = "read", days: int | None = 0, **more: Any) -> AppRow:
    """A row of the list, of a checked app in its normal state."""
    usual = {"verified": True, "is_agent": False, "through": "", "paused": False, "ends_in_hours": 0, "reconnect": ()}
    used_at = None if days is None else NOW - days * DAY
    return AppRow(name=name, page_id=ID, providers=providers, kind=kind, used_at=used_at, **{**usual, **more})


ROWS = (
    row("Acme Notes", ("GitHub", "Google"), "both"),
    row("Acme TV", (), "identity", 3),
    row("Cursor", ("GitHub",), "both", verified=False, is_agent=True, through="Notes server"),
    row("Ledger & Money for Small Teams", ("Dropbox", "Notion"), "read", None, reconnect=("Dropbox",)),
    row("Reporting Bot", ("Slack",), "write", 13, is_agent=True, paused=True),
    row("خطّط رحلتك", ("Google",), "read", 1, ends_in_hours=21),
)
ENDED = EndedLine(
    provider_name="GitHub",
    app_name="Acme Notes",
    label="alice",
    result="not_supported",
    tokens=tuple(EndedToken(token="access_token", result="not_supported") for _ in range(2)),
    settings="https://github.com/settings/applications",
)
APPS = AccountPage(**TAB, rows=ROWS, total=6, is_search=False, has_search=False, ended=())
MANY = tuple(row(f"Acme {word}", ("GitHub",)) for word in ["Art", "Books", "Cloud", "Docs", "Email", "Files", "Games"])


def connection(name: str, label: str, scopes: tuple[ScopeLine, ...], **more: Any) -> AccountConnection:
    """An account that Acme Notes uses."""
    return AccountConnection(
        **{
            "connection_id": ID, "client_id": ID, "app_name": "Acme Notes", "app_verified": True,
            "provider_id": name.lower(), "provider_name": name, "account_id": ID, "label": label, "status": "active",
            "scopes": scopes, "connected_at": NOW - 44 * DAY, "uses": 8, "last_used_at": NOW, "can_reconnect": True,
            **more,
        }
    )  # fmt: skip


SIX = (
    connection("GitHub", "alice", (READ, WRITE)),
    connection("Google", "alice@example.com", (READ,), last_used_at=NOW - DAY, renew_by=NOW + 9 * DAY),
    connection("Google", "alice.work@company.example", (READ,), status="reauth_required", uses=0, last_used_at=None),
    connection("Slack", "Acme workspace", (WRITE,), last_used_at=NOW - 9 * DAY, uses=41),
    connection("Notion", "alice", (READ,), last_used_at=NOW - 30 * DAY, uses=1, status="in_doubt"),
    connection("Dropbox", "", (READ,), last_used_at=NOW - 40 * DAY, status="partial", can_reconnect=False),
)
APP = AccountApp(
    client_id=ID, page_id=ID, name="Acme Notes", host="acme.example", on_device=False, verified=True, is_agent=False,
    allowed_at=NOW, used_at=NOW, sign_ins=3, until=NOW + 30 * DAY, paused_at=0, ends_at=0,
    scopes=frozenset({"openid", "email", "github:read:org"}), own_scopes=(EMAIL, PROFILE), later=(),
    limits=(EMAIL, READ, WRITE), acted=(), connections=SIX,
)  # fmt: skip
AGENT = replace(
    APP, client_id="https://agent.example/app.json", name="Cursor", host="127.0.0.1:49152", on_device=True,
    verified=False, is_agent=True, sign_ins=0, until=0, paused_at=NOW - DAY, ends_at=NOW + DAY, own_scopes=(),
    later=(replace(READ, title="see all your calendars"),), connections=SIX[:1],
    acted=tuple(
        ActedLine(actor_name=name, audience=f"https://{host}.example", times=times, last_at=NOW - DAY)
        for name, host, times in (("Notes server", "orders", 5), ("Search", "index", 1))
    ),
)  # fmt: skip
APP_PAGE = AccountAppPage(**FORM, app=APP)
OVERLONG = replace(
    APP, name=ENDLESS, host="a" * 60 + ".example",
    connections=(connection(ENDLESS, ENDLESS, (replace(WRITE, title=ENDLESS),)),),
    acted=(ActedLine(actor_name=ENDLESS, audience=f"https://{'a' * 60}.example", times=10**6, last_at=NOW),),
)  # fmt: skip
ACCOUNTS = AccountsPage(
    **TAB,
    logins=(LoginLine(name=ID, provider_name="Google"),),
    providers=OPTIONS,
    added=("github", "google"),
    rows=tuple(
        AccountRow(page_id=ID, provider_name=name, label=label, apps=apps, reconnect=name == "Dropbox")
        for name, label, apps in (
            ("Dropbox", "alice", (LONG,)),
            ("GitHub", "alice", ("Acme Notes", "Cursor")),
            ("Google", "alice@example.com", ("Acme Notes",)),
            ("Slack", "", ("Acme Notes", "Reporting Bot")),
        )
    ),
)
CONNECTED = ConnectedAccountPage(
    **FORM,
    page_id=ID,
    provider_name="GitHub",
    label="alice",
    connections=(SIX[0], replace(SIX[0], client_id="1", app_name="Cursor", app_verified=False, scopes=(READ,))),
    app_pages={ID: ID, "1": ID},
)
ASKED_FORM: dict[str, Any] = {**PLACE, "sealed_form": "sealed"}
ASKED: dict[str, Any] = {**ASKED_FORM, "keep": "/account", "act": "sure"}
QUESTION = AccountConfirmPage(**ASKED, what="app", app_name="Acme Notes", sessions=3, accounts=6, apps=1)
ENTRY = AccountEntryPage(providers=OPTIONS, **PLACE)
RESULTS = tuple(
    replace(ENDED, provider_name=name, result=result, settings=None if result != "not_supported" else ENDED.settings)
    for name, result in (
        ("GitHub", "revoked"), ("Google", "pending"), ("Notion", "not_supported"), ("Slack", "kept_shared"),
        ("Dropbox", "failed"),
    )
)  # fmt: skip
MIXED = replace(
    ENDED,
    tokens=(EndedToken(token="refresh_token", result="revoked"), EndedToken(token="lost_answer", result="failed")),
)
DONE = AccountEndedPage(**PLACE, what="app", app_name="Acme Notes", provider_name="GitHub", ended=(*RESULTS, MIXED))


def account_pages() -> dict[str, Page]:
    """Every page of My access, by a name for it."""
    return {
        "account": APPS,
        "account of nothing": replace(APPS, rows=(), total=0, user_label="", ended=(ENDED,)),
        "account, many apps": replace(APPS, rows=MANY * 2, total=14, has_search=True),
        "account, a search": replace(APPS, rows=ROWS[:1], total=14, has_search=True, is_search=True),
        "account, a search for nothing": replace(APPS, rows=(), total=14, has_search=True, is_search=True),
        "account, long names": replace(
            APPS,
            user_label=ENDLESS,
            ended=(replace(ENDED, app_name=LONG),),
            rows=(row(ENDLESS, (ENDLESS,), through=ENDLESS), replace(ROWS[2], name=LONG, paused=True)),
        ),
        "account, app": APP_PAGE,
        "account, agent": replace(APP_PAGE, app=AGENT),
        "account, app with long names": replace(APP_PAGE, app=OVERLONG),
        "account, accounts": ACCOUNTS,
        "account, no accounts": replace(ACCOUNTS, rows=(), logins=()),
        "account, connected account": CONNECTED,
        "account, data": AccountDataPage(**TAB),
        "account, remove app": QUESTION,
        "account, remove agent": replace(QUESTION, app_name=LONG, is_verified=False, sessions=1, accounts=0),
        "account, remove all": replace(QUESTION, what="all", apps=6),
        "account, disconnect": replace(QUESTION, what="connection", provider_name="GitHub"),
        "account, disconnect everywhere": replace(QUESTION, what="account", provider_name="GitHub", label="alice"),
        "account, remove login": replace(QUESTION, what="login", provider_name="Google", login_name="GitHub"),
        "account, erase": AccountErasePage(**ASKED_FORM, login_name="GitHub", user_label="Alice Example", apps=6),
        "account, erase unnamed": AccountErasePage(**ASKED_FORM, login_name="GitHub", user_label="", apps=1),
        "account, entry": ENTRY,
        "account, sign in again": replace(ENTRY, providers=OPTIONS[:1], again=True),
        "account, taken back": DONE,
        "account, taken from all": replace(DONE, what="account"),
        "account, disconnected": replace(DONE, what="connection", ended=RESULTS[:1]),
        "account, nothing to take back": replace(DONE, what="all", ended=()),
    }
