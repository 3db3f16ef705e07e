"""What a provider granted, held against what was needed and what was allowed (CB-11, VLT-10)."""

from chalicelib.providers.definition import ProviderDefinition


def missing_scopes(
    definition: ProviderDefinition, *, granted: frozenset[str], needed: frozenset[str]
) -> frozenset[str]:
    """What is needed and was not granted, a larger scope standing for those it contains; not empty: `partial`."""
    return needed - definition.expand(granted)


def excess_scopes(
    definition: ProviderDefinition, *, granted: frozenset[str], allowed: frozenset[str]
) -> frozenset[str]:
    """What was granted beyond what the user allowed; a token with any of it is not handed out.

    The sign-in's own scopes are implied by every consent, and so is what the provider adds by itself.
    """
    implied = frozenset({*definition.sign_in_scopes, *definition.implied_scopes})
    return granted - definition.expand(allowed | implied)
