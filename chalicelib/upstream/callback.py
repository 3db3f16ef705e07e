"""Checks a provider's authorization response before any of it is used."""

from typing import Literal

from chalicelib.providers.definition import ProviderDefinition
from chalicelib.upstream.endpoints import Endpoints
from chalicelib.upstream.http import ProviderMisbehaved

CallbackError = Literal["access_denied", "server_error"]

MAX_CODE_CHARACTERS = 4096
# What every provider's callback may hold, and nothing else of it decides anything.
CARRIED = ("code", "state", "iss", "error")
# What providers say when the user said no.
_DENIED = frozenset(
    {"access_denied", "user_denied", "user_cancelled_login", "user_cancelled_authorize", "consent_required"}
)


def callback_uri(issuer: str, provider_id: str) -> str:
    """Our one redirect URI per provider, so that an answer of one is never taken for another's (CB-04)."""
    return f"{issuer}/callback/{provider_id}"


def further_parameters(definition: ProviderDefinition) -> tuple[str, ...]:
    """Names of what else the file reads in a callback: metadata, and a profile."""
    named = [rule.path for rule in definition.metadata.values() if rule.origin == "callback"]
    profile = definition.identity.callback
    return tuple(dict.fromkeys([*named, *([profile.parameter] if profile else [])]))


def check_callback_provider(called: str, *, expected: str) -> None:
    """The path that was called must be that of the provider to which this browser was sent (CB-04).

    Raises ProviderMisbehaved.
    """
    if called != expected:
        raise ProviderMisbehaved("callback_of_another_provider")


def check_callback_issuer(endpoints: Endpoints, iss: str | None) -> None:
    """Compare `iss` as a plain string, before the error or the code is looked at (RFC 9207 section 2.4, CB-05).

    Raises ProviderMisbehaved: it differs, or is missing although the provider promises it.
    """
    if iss is None:
        if endpoints.iss_parameter:
            raise ProviderMisbehaved("callback_iss_missing")
        return
    if iss != endpoints.issuer:
        raise ProviderMisbehaved("callback_iss_mismatch")


def check_callback_code(code: str | None) -> str:
    """The code, in the characters of RFC 6749 appendix A.11.

    Raises ProviderMisbehaved.
    """
    if not code or len(code) > MAX_CODE_CHARACTERS or not code.isascii() or not code.isprintable():
        raise ProviderMisbehaved("callback_code_malformed")
    return code


def read_callback_error(error: str) -> CallbackError:
    """A provider's error in our words; neither its code nor its description goes further (CB-10)."""
    return "access_denied" if error in _DENIED else "server_error"
