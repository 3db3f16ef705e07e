"""How long the tokens of a provider file live, and how its refresh tokens behave."""

from chalicelib.providers.definition import ProviderDefinition
from local.fake.faults import Faults

LIFE_SECONDS = 3600


def manners(definition: ProviderDefinition) -> Faults:
    """How its refresh tokens behave as a rule."""
    rules = definition.refresh
    return Faults(
        static_refresh=rules.kind != "rotating",
        reuse=rules.late_reuse,
        grace="" if rules.grace == "none" else rules.grace,
        grace_seconds=rules.grace_seconds,
        drop_expires_in=definition.token.default_expires_seconds is not None,
    )


def life(definition: ProviderDefinition) -> int | None:
    """Of an access token, in seconds: what the file assumes where the answer does not say; for ever where nothing ends
    it as far as the file tells."""
    if definition.token.default_expires_seconds is not None:
        return definition.token.default_expires_seconds
    return None if definition.refresh.kind == "none" else LIFE_SECONDS
