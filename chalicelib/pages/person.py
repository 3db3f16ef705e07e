"""The signed-in user on a page."""

from msgspec import Struct


class Person(Struct, frozen=True, kw_only=True):
    """The signed-in user, as the provider of the sign-in names them.

    name, handle   "" if the provider gives none
    """

    name: str
    handle: str
    provider_name: str
