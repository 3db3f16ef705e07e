"""What `client create` prints for a person: what to copy, what will not work yet, and the next step."""

from typing import Any

from chalicelib.records.client import Client
from cli.client_options.framework import describe, name_project, read_frameworks
from cli.output import Summary, harmless


def summarise(row: dict[str, Any], client: Client, issuer: str, framework: str | None = None) -> Summary:
    """The whole row for programs; a summary for people.

    row         of the client, with `client_secret` and `warnings` where there are any
    framework   the kind of app whose configuration and code is printed too
    """
    secret = row.get("client_secret")
    lines = [("client_id", row["client_id"])]
    lines += [("client_secret", f"{secret}   (shown only now)")] if secret else []
    lines += [("issuer", issuer)]
    lines += [("redirect_uri", harmless(uri)) for uri in row["redirect_uris"]]
    lines += [("scope", harmless(row["scope"]))]
    text = [f"{name:<14} {value}" for name, value in lines]
    text += [f"warning: {harmless(said)}" for said in row.get("warnings", ())]
    text += ["", *describe(client, framework, issuer, secret)] if framework else []
    text += ["", "next:", *(f"  {line}" for line in _next_steps(client, issuer, framework))]
    return Summary(row, text="\n".join(text))


def _next_steps(client: Client, issuer: str, framework: str | None) -> list[str]:
    """Each command has a line of its own, so that it can be copied."""
    show = f"python3 dev.py broker client show {client.client_id}"
    if framework:
        return [*name_project(client, framework, issuer), "print all fields:", f"  {show}"]
    names = ", ".join(name for name in read_frameworks() if name != "react")
    return [
        f"export BROKER={issuer} CLIENT_ID={client.client_id}",
        f"print the configuration and the code of a react app (or {names}):",
        f"  {show} --framework react",
    ]
