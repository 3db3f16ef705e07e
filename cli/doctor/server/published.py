"""The public documents of an authorization server: its metadata at every well-known URL, and its keys."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cli.doctor.checks import Skipped
from cli.doctor.server.answer import Answer, split
from cli.doctor.server.asking import NOWHERE, Asker, Unanswered

OAUTH, OIDC = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"


@dataclass(frozen=True)
class Place:
    """One well-known URL of the metadata, and its response.

    form     "oauth" (RFC 8414), "oidc" (OpenID Connect Discovery), "inserted" (its name before the issuer's path)
    answer   None if there was none; `why` says why
    """

    form: str
    url: str
    answer: Answer | None
    why: str = ""

    @property
    def document(self) -> dict[str, Any]:
        """The metadata; empty if there is none."""
        return self.answer.document if self.answer is not None and self.answer.status == 200 else {}


class Published:
    """The public documents of one issuer; each is fetched once, at first use."""

    def __init__(self, issuer: str, asker: Asker) -> None:
        self.issuer, self.asker = issuer, asker
        parts = split(issuer)
        self.root, self.path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")

    @cached_property
    def places(self) -> list[Place]:
        """The URLs where clients look for metadata, in order."""
        wanted = [("oauth", f"{self.root}{OAUTH}{self.path}"), ("oidc", f"{self.root}{self.path}{OIDC}")]
        wanted += [("inserted", f"{self.root}{OIDC}{self.path}")] if self.path else []
        return [self._visit(form, url) for form, url in wanted]

    @property
    def documents(self) -> list[Place]:
        """The URLs with metadata. Raises Skipped if there are none."""
        found = [place for place in self.places if place.document]
        if not found:
            raise Skipped("no metadata could be read")
        return found

    @property
    def metadata(self) -> dict[str, Any]:
        """All documents merged; earlier documents win. Raises Skipped."""
        return {name: value for place in reversed(self.documents) for name, value in place.document.items()}

    @property
    def is_openid(self) -> bool:
        """Whether it is an OpenID provider."""
        return any(place.form != "oauth" for place in self.documents)

    def text(self, name: str) -> str:
        """A string member; "" if it is not a string."""
        found = self.metadata.get(name)
        return found if isinstance(found, str) else ""

    def words(self, name: str) -> tuple[str, ...]:
        """A member that is a list of strings; other values are left out."""
        found = self.metadata.get(name)
        return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list) else ()

    def endpoint(self, name: str) -> str:
        """Raises Skipped if the metadata does not have it."""
        found = self.text(name)
        if not found:
            raise Skipped(f"the metadata has no {name}")
        return found

    @cached_property
    def jwks(self) -> Answer:
        """Raises Skipped."""
        return self.asker.get(self.endpoint("jwks_uri"), origin=NOWHERE)

    @property
    def keys(self) -> list[dict[str, Any]]:
        """Raises Skipped if there is no key set."""
        found = self.jwks.document.get("keys")
        if self.jwks.status != 200 or not isinstance(found, list) or not found:
            raise Skipped("there is no key set, or it is empty")
        return [key for key in found if isinstance(key, dict)]

    def _visit(self, form: str, url: str) -> Place:
        try:
            return Place(form, url, self.asker.get(url, origin=NOWHERE))
        except Unanswered as why:
            return Place(form, url, None, str(why))
