"""The broker's own scopes, which the catalogues describe in plain words; a resource's scope is shown by its name."""

from typing import Final

OWN_SCOPES: Final = frozenset({"openid", "profile", "email", "offline_access"})
