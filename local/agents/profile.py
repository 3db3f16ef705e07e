"""What one agent sends, read from its table in `profiles.toml`."""

import tomllib
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

PROFILES = Path(__file__).parent / "profiles.toml"
ScopeSource = Literal["challenge", "resource", "server", "none"]


class Profile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One agent.

    sources               where its behaviour is published or was observed
    comes_by              registration (RFC 7591) or document (Client ID Metadata Document)
    metadata              the registration request, or the document without its client_id
    document_url          its client_id, for an agent that comes by document
    redirect_uri          what its authorization request names; a loopback port may differ from the registered one
    scopes_from           the scopes of its first request: those of the 401, of the resource's metadata, of the server's
    registers_scopes      puts the same scopes into its registration
    grant_types_of        registers those of its own that the server's metadata lists; () registers `metadata` as it is
    audience              of its client assertion: the issuer or the token endpoint; "" for a client without a key
    refreshes             requests new tokens automatically
    refresh_repeats       names its scopes again when it does
    steps_up              follows a 403 `insufficient_scope` back to the user
    depends_on            the rules of the broker without which a step of it fails
    """

    name: str
    checked_on: str
    sources: tuple[str, ...]
    comes_by: Literal["registration", "document"]
    metadata: dict[str, Any]
    redirect_uri: str
    scopes_from: ScopeSource
    document_url: str = ""
    registers_scopes: bool = False
    grant_types_of: tuple[str, ...] = ()
    audience: Literal["", "issuer", "token_endpoint"] = ""
    refreshes: bool = True
    refresh_repeats: bool = False
    steps_up: bool = True
    depends_on: tuple[str, ...] = ()
    file: str = ""


def read_profiles(path: Path = PROFILES) -> list[Profile]:
    """Every agent, in the order of the file. Raises ValueError for a table that is not one."""
    found = []
    for name, table in tomllib.loads(path.read_text(encoding="utf-8")).items():
        try:
            found.append(msgspec.convert({**table, "file": name}, Profile))
        except msgspec.ValidationError as error:
            raise ValueError(f"{path.name}: {name}: {error}") from None
    return found
