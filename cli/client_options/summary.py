"""What `client create` prints for a person: what to copy, what will not work yet, and the next step."""

from typing import Any

from cli.output import Summary, harmless


def summarise(row: dict[str, Any], issuer: str) -> Summary:
    """The whole row for programs; a summary for people.

    row   of the client, with `client_secret` and `warnings` where there are any
    """
    lines = [("client_id", row["client_id"])]
    lines += [("client_secret", f"{row['client_secret']}   (shown only now)")] if "client_secret" in row else []
    lines += [("issuer", issuer)]
    lines += [("redirect_uri", harmless(uri)) for uri in row["redirect_uris"]]
    lines += [("scope", harmless(row["scope"]))]
    text = [f"{name:<14} {value}" for name, value in lines]
    text += [f"warning: {harmless(said)}" for said in row.get("warnings", ())]
    text += ["", "next:", f"  export BROKER={issuer} CLIENT_ID={row['client_id']}"]
    text += [
        f"  python3 dev.py broker client show {row['client_id']}",
        "  clients/README.md: a recipe for each kind of app",
    ]
    return Summary(row, text="\n".join(text))
