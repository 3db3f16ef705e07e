"""What a provider granted, held against what was needed and what was allowed (CB-11, VLT-10)."""

from chalicelib.providers.definition import ProviderDefinition


def missing_scopes(
    definition: ProviderDefinition, *, granted: frozenset[str], needed: frozenset[str]
) -> frozenset[str]:
    """Scopes that are needed and were not granted. A larger scope covers those it contains. If not empty: `partial`."""
    return needed - definition.expand(granted)


def excess_scopes(
    definition: ProviderDefinition, *, granted: frozenset[str], allowed: frozenset[str]
) -> frozenset[str]:
    """Scopes granted beyond what the user allowed; a token with any of them is not handed out.

    The sign-in's own scopes are implied by every consent, and so are scopes that the provider adds automatically.
    """
    implied = frozenset({*definition.sign_in_scopes, *definition.implied_scopes})
    return granted - definition.expand(allowed | implied)
