"""Stored users and their keys."""

from collections.abc import Mapping
from typing import Protocol

from chalicelib.ports.outcomes import Refused, Written
from chalicelib.records.small_items import JobKey
from chalicelib.records.subject import Subject


class UserStore(Protocol):
    """Users, their logins, and lists of what they have."""

    def put_subject(self, subject: Subject) -> Written[Subject] | Refused[Subject]:
        """Insert if absent."""

    def set_logins(
        self, subject: Subject, logins: dict[str, str], *, salt: bytes
    ) -> Written[Subject] | Refused[Subject]:
        """Replace the user's linked logins, if they are unchanged since they were read.

        salt   a new value ends every browser session of this user
        """

    def erase_subject(self, subject: Subject, *, now: int) -> None:
        """Disable a user permanently. A later sign-in with the same login creates a new user."""

    def note_connections(self, subject: Subject, noted: Mapping[str, int]) -> Written[Subject] | Refused[Subject]:
        """Replace the list of new connections that was read, if the user is not disabled."""

    def forget_new_connections(self, sub: str) -> None:
        """Remove a user's list of new connections."""

    def list_subject(self, sub: str, kind: str) -> tuple[str, ...]:
        """Names of one subject's items of a kind (`CONNECTION`, `GRANT`). The list may lag, so read the items to
        decide."""

    def list_held(self, sub: str) -> tuple[str, ...]:
        """Keys of one subject's connections, consents and grants, each prefixed with its kind. The list may lag."""


class UserKeyStore(Protocol):
    """The key of each user, and the keys that jobs need after it."""

    def put_user_key(self, sub: str, sealed: bytes) -> Written[bytes] | Refused[bytes]:
        """Insert if absent."""

    def destroy_user_key(self, sub: str) -> None:
        """Destroy the key: all values under it become unreadable, and no new key is ever stored for this user."""

    def put_job_key(self, left: JobKey, *, now: int) -> Written[JobKey] | Refused[JobKey]:
        """Insert if absent or expired."""
