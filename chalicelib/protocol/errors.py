"""Many private reasons, few public codes: one class per registered code.

`description` is a fixed ASCII sentence that tells the developer what to do next; `reason` is for the log. Neither ever
holds an input, a secret or a stored value (THREATS GEN-07). `evidence` is for the operator alone: what was expected and
received, as far as it may be read in a log.
"""

from collections.abc import Iterable
from typing import ClassVar, Self

from chalicelib.protocol.log_redaction import NOTHING, Evidence, freeze


class OAuthError(Exception):
    """A refusal of the registered kind.

    code, status, description   what the client sees (RFC 6749 section 5.2)
    reason                      snake_case, for the log only, unless `members` repeats it on purpose
    members                     extension members of the JSON answer
    retry_after                 seconds, for 429 and 503
    evidence                    name -> value, for the log only; what was received goes through `seen` first
    """

    code: ClassVar[str] = "invalid_request"
    status: ClassVar[int] = 400
    description: str = "The request is missing a parameter, repeats one, or is malformed."

    def __init__(
        self, reason: str, *, members: dict[str, object] | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.members = members or {}
        self.retry_after = retry_after
        self.evidence: Evidence = NOTHING

    def noting(self, **evidence: str | Iterable[str] | None) -> Self:
        """The same refusal with more for the operator; None says nothing, what is noted already stands."""
        self.evidence = freeze({**evidence, **self.evidence})
        return self

    def because_of(self, cause: "OAuthError | None") -> Self:
        """The same with what another refusal noted, from which it was made."""
        return self if cause is None else self.noting(**cause.evidence)


class InvalidRequest(OAuthError):
    """RFC 6749 section 5.2: missing, repeated or malformed parameter."""


class SubjectTokenRefused(InvalidRequest):
    """RFC 8693 section 2.2.2: the subject token is not valid, or is unacceptable for this client. One text for every
    reason, so that nobody learns which issuers are trusted."""

    description = "The subject token is not accepted from this client: check its issuer, type, audience and age."


class ForeignCaller(InvalidRequest):
    """A call with a cookie that no page of the app has made."""

    status = 403
    description = "A call by cookie needs the header Broker-Bff: 1 and comes from an origin of bff_origins."


class RequestTooLarge(InvalidRequest):
    """More bytes than any honest request has."""

    status = 413
    description = "The request is larger than this server accepts."


class UnsupportedMediaType(InvalidRequest):
    """The endpoint reads another content type."""

    status = 415
    description = "This endpoint reads application/x-www-form-urlencoded, or application/json where documented."


class InvalidClient(OAuthError):
    """RFC 6749 section 5.2: the client is unknown, or did not authenticate with its registered method."""

    code = "invalid_client"
    status = 401
    description = "Client authentication failed: check client_id, secret or key, and the registered method."


class InvalidGrant(OAuthError):
    """RFC 6749 section 5.2: code, refresh token or connection is unknown, over, or bound elsewhere."""

    code = "invalid_grant"
    description = "The code, token or connection is not valid for this client any more; start a new sign-in."


class UnauthorizedClient(OAuthError):
    """RFC 6749 section 5.2: this client is not registered for that."""

    code = "unauthorized_client"
    description = "This client is not registered for this grant type or this kind of access."


class UnfitClient(UnauthorizedClient):
    """The same error, for a client that the FAPI 2.0 Security Profile rejects."""

    description = "This server follows FAPI 2.0: only private_key_jwt by PS256, ES256 or EdDSA, and https redirects."


class UnsupportedGrantType(OAuthError):
    """RFC 6749 section 5.2."""

    code = "unsupported_grant_type"
    description = "This grant_type is not offered; see grant_types_supported in the metadata."


class UnsupportedResponseType(OAuthError):
    """RFC 6749 section 4.1.2.1."""

    code = "unsupported_response_type"
    description = "Only response_type=code is offered."


class InvalidScope(OAuthError):
    """RFC 6749 section 5.2."""

    code = "invalid_scope"
    description = "A scope is unknown, malformed, or more than this client or this grant may have."


class InvalidTarget(OAuthError):
    """RFC 8707 section 2, RFC 8693 section 2.2.2."""

    code = "invalid_target"
    description = "The resource or audience is unknown or not part of what was allowed."


class NotConnected(InvalidTarget):
    """The same of a resource that is called rather than asked for."""

    status = 404
    description = "This user and this app have no such connection; reason and connect_uri say what to do."


class SignInNeeded(InvalidGrant):
    """A connection that only its user can renew."""

    status = 409
    description = "The connection must be renewed by its user; connect_uri leads there."


class AccessDenied(OAuthError):
    """RFC 6749 section 4.1.2.1: the user said no."""

    code = "access_denied"
    description = "The user did not allow the access."


class AuthorizationPending(OAuthError):
    """RFC 8628 section 3.5: nobody has decided yet."""

    code = "authorization_pending"
    description = "The user has not finished yet; ask again after the interval."


class PollTooEarly(OAuthError):
    """RFC 8628 section 3.5: the client polled too early, and the interval is longer from now on."""

    code = "slow_down"
    description = "Asked again too early; wait 5 seconds more between two requests from now on."


class ExpiredToken(OAuthError):
    """RFC 8628 section 3.5."""

    code = "expired_token"
    description = "The device code is over; ask for a new one if the user still wants to sign in."


class LoginRequired(OAuthError):
    """OpenID Connect Core section 3.1.2.6."""

    code = "login_required"
    description = "Nobody is signed in at this browser; ask again without prompt=none."


class SessionOver(LoginRequired):
    """A call by a browser session of an app that is not there, or no more."""

    status = 401
    description = "Nobody is signed in to this app at this browser; send the browser to login_uri to sign in."


class ConsentRequired(OAuthError):
    """OpenID Connect Core section 3.1.2.6."""

    code = "consent_required"
    description = "The user has not allowed this yet; ask again without prompt=none."


class InteractionRequired(OAuthError):
    """OpenID Connect Core section 3.1.2.6."""

    code = "interaction_required"
    description = "The user has to act; ask again without prompt=none."


class InvalidToken(OAuthError):
    """RFC 6750 section 3.1."""

    code = "invalid_token"
    status = 401
    description = "The access token is missing, expired, revoked or not meant for this endpoint."


class TokenMissing(InvalidToken):
    """Nobody has tried a token yet: the challenge names no error (RFC 6750 section 3.1)."""


class InsufficientScope(OAuthError):
    """RFC 6750 section 3.1."""

    code = "insufficient_scope"
    status = 403
    description = "The access token does not carry the scope that this endpoint needs."


class BoundToken(InvalidToken):
    """RFC 9449 section 7.1: a token that is bound to a key, without a proof by that key."""

    description = "The access token is bound to a key: send it under the scheme DPoP with a proof by that key."


class InvalidDpopProof(OAuthError):
    """RFC 9449 section 5: a proof that is not one for this request, by this key, just now."""

    code = "invalid_dpop_proof"
    description = "The DPoP proof is missing or malformed, is for another request, or has been used before."


class UseDpopNonce(OAuthError):
    """RFC 9449 sections 8 and 9: the proof has to hold the nonce that comes with this answer."""

    code = "use_dpop_nonce"
    description = "The DPoP proof needs the nonce of the header DPoP-Nonce of this answer."


class ProofRefused(InvalidDpopProof):
    """The same where an access token is used (RFC 9449 section 7.1)."""

    status = 401


class NonceWanted(UseDpopNonce):
    """The same where an access token is used (RFC 9449 section 9)."""

    status = 401


class UnsupportedTokenType(OAuthError):
    """RFC 7009 section 2.2.1."""

    code = "unsupported_token_type"
    description = "Tokens of this type cannot be revoked here."


class InvalidRedirectUri(OAuthError):
    """RFC 7591 section 3.2.2."""

    code = "invalid_redirect_uri"
    description = "A redirect_uri is not acceptable: https, loopback http, or a private scheme in reverse-domain form."


class InvalidClientMetadata(OAuthError):
    """RFC 7591 section 3.2.2.

    members_at_fault   names from the broker's code, never as the client sent them; the client sees them
    """

    code = "invalid_client_metadata"
    description = "A member of the registration document is not acceptable or contradicts another."

    def __init__(self, reason: str, *members_at_fault: str) -> None:
        super().__init__(reason)
        if members_at_fault:
            self.description = f"{type(self).description[:-1]}: {', '.join(members_at_fault)}."


class InvalidSoftwareStatement(OAuthError):
    """RFC 7591 section 3.2.2."""

    code = "invalid_software_statement"
    description = "The software_statement is not a signed JWT; leave it out, for this server approves none."


class UnapprovedSoftwareStatement(OAuthError):
    """RFC 7591 section 3.2.2."""

    code = "unapproved_software_statement"
    description = "This server approves no software_statement; leave it out and state the members themselves."


class RegistrationClosed(InvalidToken):
    """RFC 7591 section 3: nobody registers over HTTP here."""

    description = "Registration is closed here; ask the operator of this broker for a client."


class InitialTokenMissing(InvalidToken):
    """RFC 7591 section 3: registration needs an initial access token here."""

    description = "Registration needs an initial access token here; ask the operator of this broker for one."


class TooManyRequests(OAuthError):
    """RFC 6585 section 4, in the shape of OAuth errors."""

    code = "slow_down"
    status = 429
    description = "Too many requests; wait as long as Retry-After says and try again."


class TemporarilyUnavailable(OAuthError):
    """RFC 6749 section 4.1.2.1: storage or keys could not be asked, so nothing was decided."""

    code = "temporarily_unavailable"
    status = 503
    description = "The server cannot decide this right now; nothing has changed, try again shortly."


class ServerError(OAuthError):
    """RFC 6749 section 4.1.2.1."""

    code = "server_error"
    status = 500
    description = "The server met an unexpected condition; the request id helps the operator to find it."


class BadGateway(ServerError):
    """RFC 9110 section 15.6.3: the provider could not be reached, or its answer is not passed on."""

    status = 502
    description = "The provider did not give an answer that can be passed on; reason says why."


class GatewayTimeout(TemporarilyUnavailable):
    """RFC 9110 section 15.6.5."""

    status = 504
    description = "The provider did not answer in time; a call that changes something may have been carried out."


class InvalidRequestUri(OAuthError):
    """RFC 9101 section 7.2: this server did not issue the request_uri."""

    code = "invalid_request_uri"
    description = "Only a request_uri that POST /par has answered is accepted; nothing is fetched."


class RequestNotSupported(OAuthError):
    """OpenID Connect Core section 3.1.2.6."""

    code = "request_not_supported"
    description = "Request objects are not offered; send the parameters themselves, or push them to POST /par."


class UnmetAuthenticationRequirements(OAuthError):
    """OpenID Connect Core Error Code unmet_authentication_requirements 1.0."""

    code = "unmet_authentication_requirements"
    description = "The demanded authentication context was not reached by the third party that signs users in."


class RegistrationNotSupported(OAuthError):
    """OpenID Connect Core section 3.1.2.6."""

    code = "registration_not_supported"
    description = "Registration inside a request is not offered; register at the registration endpoint."


class PageError(OAuthError):
    """An error that the user sees as a page of the broker, without a redirect (RFC 6749 section 4.1.2.1).

    page      key of the page's text in pages/
    """

    def __init__(
        self,
        reason: str,
        *,
        page: str = "request_broken",
        status: int = 400,
        link: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(reason, retry_after=retry_after)
        self.page = page
        self.page_status = status
        self.link = link


class RequestUriRefused(PageError):
    """A reference to a pushed request that is unknown, expired, or another browser's (RFC 9126 section 4)."""

    code = "invalid_request_uri"
