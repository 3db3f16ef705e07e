"""Faults of a simulated provider, switched on by a test in the process or at /_control."""

from dataclasses import dataclass, field, fields
from typing import Any, Literal


@dataclass
class Faults:
    """Ways to misbehave. They hold until `reset()`, or for `times` requests.

    at              where those of the transport apply: names as in `Received.endpoint`; "*" is everywhere
    times           after so many requests at those places it behaves again; 0: until `reset()`

    Of the transport, before anything is done:
    status          answer with it, and with Retry-After where retry_after says seconds
    slow_seconds    wait first

    Of the transport, after the request was carried out:
    lose_answer     the connection ends without an answer
    cut             half of the body, then the connection ends
    status_after    answer with this status
    redirect        answer with a redirect to another host
    html, huge, broken_json     instead of the answer

    Of the answers to token requests:
    token_error     instead of tokens; with status 200 where errors_as_200, else with error_status where it is not 0
    form_encoded    although JSON was asked for
    nested          the tokens are inside a member of this name
    scope_as_list   scopes as a JSON list
    scope_said      these scopes are named, whatever was granted
    token_characters    the access token is as long as this
    expires_in      is said, whatever is true
    drop_*          the member is missing

    Manners with tokens, which a profile brings along:
    revoke_ends     what a revocation ends: "token", "family", "app"; "": a family by its refresh token, else that token
    static_refresh  one for ever
    reuse           what a spent one does: "revoke" everything, or "refuse"
    grace           what it still gives for grace_seconds: "same", "sibling", "newest", or "" nothing
    """

    at: frozenset[str] = frozenset({"token"})
    times: int = 0
    status: int | None = None
    retry_after: int | None = None
    slow_seconds: float = 0.0
    lose_answer: bool = False
    cut: bool = False
    status_after: int | None = None
    redirect: bool = False
    html: bool = False
    huge: bool = False
    broken_json: bool = False
    token_error: str | None = None
    errors_as_200: bool = False
    error_status: int = 0
    form_encoded: bool = False
    nested: str = ""
    scope_as_list: bool = False
    scope_said: str | None = None
    token_characters: int = 0
    expires_in: object = None
    token_type: str = "bearer"
    drop_refresh_token: bool = False
    drop_expires_in: bool = False
    drop_id_token: bool = False
    drop_scope: bool = False
    fewer_scopes: frozenset[str] = frozenset()
    more_scopes: frozenset[str] = frozenset()
    revoke_ends: Literal["", "token", "family", "app"] = ""
    static_refresh: bool = False
    reuse: Literal["revoke", "refuse"] = "revoke"
    grace: Literal["", "same", "sibling", "newest"] = ""
    grace_seconds: int = 30
    wrong_nonce: bool = False
    wrong_id_token_issuer: bool = False
    wrong_audience: bool = False
    wrong_key: bool = False
    unsigned: bool = False
    acr: str = ""
    expired_id_token: bool = False
    wrong_iss: bool = False
    omit_iss: bool = False
    wrong_state: bool = False
    other_userinfo_subject: bool = False
    no_email: bool = False
    unverified_email: bool = False
    normal: dict[str, Any] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.normal = {each.name: getattr(self, each.name) for each in fields(self) if each.init}

    def reset(self) -> None:
        """Behave again, as this provider does when nothing is switched on."""
        for name, value in self.normal.items():
            setattr(self, name, value)

    def strike(self, endpoint: str) -> bool:
        """Whether the faults of the transport apply there."""
        return endpoint in self.at or "*" in self.at

    def count_down(self, endpoint: str) -> None:
        """One request has had its faults."""
        if self.times and self.strike(endpoint):
            self.times -= 1
            if self.times == 0:
                self.reset()

    def switched_on(self) -> dict[str, Any]:
        """What differs from how it behaves as a rule."""
        return {name: getattr(self, name) for name, value in self.normal.items() if getattr(self, name) != value}
