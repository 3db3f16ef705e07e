"""What a simulated provider remembers of its users' grants, in a file that replaces itself after each change."""

import json
import os
from dataclasses import fields
from pathlib import Path
from typing import Any

from local.fake.grants import AccessToken, Family, Grants, Spent
from local.fake.people import USERS


class GrantsFile:
    """One provider's grants. `save` writes them if they changed, before the provider sends its response."""

    def __init__(self, path: Path, grants: Grants) -> None:
        self._path, self._grants = path, grants
        self._written = ""
        if path.exists():
            _restore(grants, json.loads(path.read_text(encoding="utf-8")))

    def save(self) -> None:
        """Write what changed since the last time."""
        with self._grants.lock:
            text = json.dumps(_describe(self._grants))
            if text == self._written:
                return
            fresh = self._path.with_suffix(".new")
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
            fresh.replace(self._path)
            self._written = text


def _describe(grants: Grants) -> dict[str, Any]:
    """Families are numbered, because tokens refer to them. Codes that nobody redeemed are forgotten."""
    families = [family for family in grants.families if family.redeemed]
    number = {id(family): index for index, family in enumerate(families)}
    return {
        "families": [_describe_family(family) for family in families],
        "access_token_check": {
            token: [number[id(held.family)], held.expires_at, held.revoked]
            for token, held in grants.access_tokens.items()
            if id(held.family) in number
        },
        "spent": {
            token: [number[id(spent.family)], spent.child, spent.at]
            for token, spent in grants.spent_refresh_tokens.items()
            if id(spent.family) in number
        },
        "kept": grants.kept,
        "advanced": grants.advanced,
    }


def _describe_family(family: Family) -> dict[str, Any]:
    said = {each.name: getattr(family, each.name) for each in fields(family)}
    return {**said, "user": family.user.login, "scopes": sorted(family.scopes), "siblings": sorted(family.siblings)}


def _restore(grants: Grants, told: dict[str, Any]) -> None:
    families = [
        Family(
            **{
                **said,
                "user": USERS[said["user"]],
                "scopes": frozenset(said["scopes"]),
                "siblings": set(said["siblings"]),
            }
        )
        for said in told["families"]
    ]
    grants.families[:] = families
    for token, (index, ends, revoked) in told["access_token_check"].items():
        grants.access_tokens[token] = AccessToken(families[index], ends, revoked)
    for token, (index, child, at) in told["spent"].items():
        grants.spent_refresh_tokens[token] = Spent(families[index], child, at)
    grants.kept.update(told["kept"])
    grants.advanced = told["advanced"]
