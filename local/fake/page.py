"""The pages of providers here: one style sheet, no script, light and dark, from a phone to a wide screen."""

from collections.abc import Iterable
from html import escape

from local.fake.people import USERS

TINT = ("#c2410c", "#fb923c")
_STYLE = """
:root{color-scheme:light dark;--paper:#fffaf1;--card:#fff;--ink:#2b2320;--soft:#75685f;--line:#eadfce;--accent:LIGHT;
--on:#fff;--tint:#fff1e0}
@media(prefers-color-scheme:dark){:root{--paper:#1b1613;--card:#26201c;--ink:#f6ede4;--soft:#b6a79b;--line:#3d342e;
--accent:DARK;--on:#24150a;--tint:#33271e}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:24px 16px;background:var(--paper);
color:var(--ink);font:16px/1.5 ui-rounded,"SF Pro Rounded",system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{width:100%;max-width:420px;background:var(--card);border:1px solid var(--line);border-radius:20px;
padding:32px 28px;box-shadow:0 1px 2px #0000000d,0 16px 40px -20px #00000040}
.brand{display:flex;align-items:center;gap:10px;font-weight:700;margin:0 0 24px;color:var(--accent)}
.brand i{width:30px;height:30px;border-radius:9px;background:var(--accent);display:grid;place-items:center}
.brand i:before{content:"";width:16px;height:15px;background:repeating-linear-gradient(var(--card) 0 3px,#0000 3px 6px)}
h1{font-size:1.4rem;line-height:1.25;margin:0 0 8px;letter-spacing:-.01em}
p{margin:0 0 16px;color:var(--soft)}
code{font:.85em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
ul{list-style:none;margin:0 0 24px;padding:14px 16px;background:var(--tint);border-radius:14px}
li{padding:3px 0 3px 24px;position:relative}
li:before{content:"";position:absolute;left:4px;top:10px;width:10px;height:5px;border:solid var(--accent);
border-width:0 0 2px 2px;transform:rotate(-45deg)}
button{width:100%;display:flex;align-items:center;gap:14px;padding:12px 16px;margin:0 0 10px;font:inherit;
font-weight:600;text-align:left;color:inherit;background:transparent;border:1px solid var(--line);
border-radius:14px;cursor:pointer}
button:hover{border-color:var(--accent);background:var(--tint)}
button:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
button b{flex:none;width:38px;height:38px;border-radius:50%;display:grid;place-items:center;background:var(--accent);
color:var(--on)}
button span{min-width:0}
button small{display:block;font-weight:400;color:var(--soft);overflow-wrap:anywhere}
button.refuse{justify-content:center;margin:14px 0 0;color:var(--soft)}
footer{margin:20px 0 0;font-size:.85rem;color:var(--soft);text-align:center}
"""


def render_sign_in(
    *,
    app: str,
    scopes: Iterable[str],
    fields: dict[str, str],
    action: str,
    provider: str,
    tint: tuple[str, str] = TINT,
) -> str:
    """The consent page of a simulated provider, with three buttons.

    fields   the authorization request, carried in the form, for nothing is remembered about a browser
    tint     the provider's colour, light and dark
    """
    asked = "".join(f"<li>{escape(scope)}</li>" for scope in scopes)
    people = "".join(
        f'<button name="decision" value="{user.login}"><b aria-hidden="true">{user.name[0]}</b>'
        f"<span>Sign in as {user.name.split()[0]}<small>{escape(user.email)}</small></span></button>"
        for user in USERS.values()
    )
    return _page(
        "Sign in",
        f"<h1>Sign in to {escape(provider)}</h1><p><strong>{escape(app)}</strong> would like to:</p><ul>{asked}</ul>"
        f'<form method="post" action="{escape(action)}">{_hidden(fields)}{people}'
        '<button class="refuse" name="decision" value="refuse">Refuse</button></form>'
        "<footer>A provider for trying things out. No password, nothing is kept.</footer>",
        provider,
        tint,
    )


def render_post(*, action: str, fields: dict[str, str], provider: str) -> str:
    """A page with a form that posts the response to the app (OAuth 2.0 Form Post Response Mode)."""
    hidden = _hidden(fields)
    form = f'<form method="post" action="{escape(action)}">{hidden}<button name="" value="">Continue</button></form>'
    return _page("Signed in", f"<h1>You are signed in</h1><p>One more step takes you back.</p>{form}", provider)


def render_message(title: str, text: str, provider: str, tint: tuple[str, str] = TINT) -> str:
    """A page that only says something."""
    return _page(title, f"<h1>{escape(title)}</h1><p>{escape(text)}</p>", provider, tint)


def _hidden(fields: dict[str, str]) -> str:
    pairs = ((escape(name), escape(value)) for name, value in fields.items())
    return "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in pairs)


def _page(title: str, content: str, provider: str, tint: tuple[str, str] = TINT) -> str:
    style = _STYLE.replace("LIGHT", tint[0]).replace("DARK", tint[1])
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)} · {escape(provider)}</title><style>{style}</style></head>"
        f'<body><main><div class="brand"><i aria-hidden="true"></i>{escape(provider)}</div>{content}</main>'
        "</body></html>"
    )
