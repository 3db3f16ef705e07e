"""A request as a curl command: it can be run once the variables hold what the picture only shows the beginning of."""

import re
import shlex

from local.live.exchange import Exchange
from local.live.masks import is_secret

_SENT_ALONG = ("accept", "origin", "broker-connection", "dpop")
_ITSELF = "# words in capitals are masked values: set them first\n"


def show_curl(exchange: Exchange) -> str:
    """One command, a line for each parameter."""
    url = re.sub(r"(/connect/)[^/?]+", r"\1$LINK", exchange.url.partition("?")[0])
    lines = [f"curl -i {_quote(url)}"]
    fields = exchange.query
    if exchange.query:
        lines[0] = f"curl -i -G {_quote(url)}"
    if exchange.request.form:
        fields = [*fields, *exchange.request.form]
    elif exchange.method not in ("GET", "POST"):
        lines[0] += f" -X {exchange.method}"
    lines += [f"-H {_quote(line)}" for line in _headers(exchange)]
    if scheme := exchange.request.header("authorization").partition(" ")[0]:
        lines.append(
            '-u "$CLIENT_ID:$CLIENT_SECRET"' if scheme == "Basic" else f'-H "Authorization: {scheme} $ACCESS_TOKEN"'
        )
    if exchange.request.header("cookie"):
        lines.append('-H "Cookie: $COOKIE"')
    lines += [f"--data-urlencode {_pair(name, value)}" for name, value in fields]
    if exchange.request.document:
        lines.append(f"--json {shlex.quote(exchange.request.body.decode())}")
    return " \\\n  ".join(lines)


def show_script(exchanges: list[Exchange]) -> str:
    """All of them, one after another."""
    commands = (
        f"# {one.number} {one.caller} -> {one.callee}, answered with {one.status}\n{show_curl(one)}\n"
        for one in exchanges
    )
    return "\n".join([_ITSELF, *commands])


def _headers(exchange: Exchange) -> list[str]:
    found = {name: exchange.request.header(name) for name in _SENT_ALONG}
    told = {name: value for name, value in found.items() if value and not value.startswith("text/html")}
    return [
        f"{name.title()}: {f'${name.upper()}' if is_secret(name, value) else value}" for name, value in told.items()
    ]


def _pair(name: str, value: str) -> str:
    return f'"{name}=${name.upper()}"' if is_secret(name, value) else shlex.quote(f"{name}={value}")


def _quote(text: str) -> str:
    return f'"{text}"' if "$" in text else shlex.quote(text)
