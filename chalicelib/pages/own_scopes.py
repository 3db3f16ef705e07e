"""Our own scopes in plain words, to follow "may"; a resource's scope without words here is shown by its name."""

from typing import Final

OWN_SCOPES: Final[dict[str, str]] = {
    "openid": "know that it is you who signs in",
    "profile": "see your name and picture",
    "email": "see your e-mail address",
    "offline_access": "keep access when you are away",
}
