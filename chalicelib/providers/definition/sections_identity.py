"""The section of a provider file that says who signed in."""

from typing import Literal

from msgspec import Struct


class EmailList(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A second request that lists email addresses; the primary one is used, with its verified flag."""

    endpoint: str
    email: str = "email"
    verified: str = "verified"
    primary: str = "primary"


class CallbackProfile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """JSON in one parameter of the callback: profile alone, never identity, for it came through the browser.

    claims   OpenID Connect standard claim -> dotted path in it; never `email`, which nobody has vouched for
    """

    parameter: str
    claims: dict[str, str] = {}


class IdentityRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The user's identity: the pair (issuer, subject), never an email address (CB-09).

    source        where the subject is read: a verified ID token, the userinfo answer, or the token answer
    userinfo      ask the userinfo endpoint too, for profile claims, where the source is another
    issuer        the fixed name space of subjects where no ID token carries one; it may never change. With
                  issuer_claim: the template of a token's issuer, filled with that claim of the same token
    issuer_pattern    what that claim must read like, whole
    subject       a dotted path, or several whose values are joined by ":"
    claims        OpenID Connect standard claim -> dotted path in the answer
    openid_scope  false where an ID token comes without the scope `openid`
    method, body  of the userinfo request; body is "", "null", or a form. A form with {token} carries the token, which
                  is then in no header
    json          a JSON object as body, in place of `body`: a GraphQL query
    json_types    further media types under which the answer is JSON, as "text/javascript"
    headers       {client_id} is filled in
    email_verified_by   which word makes an address verified: the claim of that name, or nothing
    auth_time     true only where the file's documentation says that prompt=login and max_age are honoured
    acr           true only where the file's documentation says that the ID token tells the authentication context
    """

    source: Literal["id_token", "userinfo", "token"] = "id_token"
    userinfo: bool = False
    issuer: str | None = None
    issuer_claim: str | None = None
    issuer_pattern: str | None = None
    subject: str | tuple[str, ...] = "sub"
    claims: dict[str, str] = {}
    openid_scope: bool = True
    method: Literal["GET", "POST"] = "GET"
    body: Literal["", "null"] | dict[str, str] = ""
    json: dict[str, str] = {}
    json_types: tuple[str, ...] = ()
    headers: dict[str, str] = {}
    email_list: EmailList | None = None
    callback: CallbackProfile | None = None
    email_verified_by: Literal["claim", "nothing"] = "claim"
    auth_time: bool = False
    acr: bool = False

    @property
    def subject_paths(self) -> tuple[str, ...]:
        """The paths whose values make the subject."""
        return (self.subject,) if isinstance(self.subject, str) else self.subject
