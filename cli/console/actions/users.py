"""Actions on users and connections."""

from cli.console.actions.action import LATER, Action

_USER = {"sub": ""}

ACTIONS = (
    Action(
        slug="user-sign-out",
        words=("user", "sign-out"),
        title="Sign this user out",
        says="Ends every browser session of the user. Tokens of apps stay valid; subscribed apps are notified.",
        button="Sign out",
        up="/users",
        ends=True,
        about=_USER,
    ),
    Action(
        slug="user-stop",
        words=("kill", "user"),
        title="Stop this user",
        says="Voids every consent and every browser session of the user, in all apps, with one write.",
        button="Stop",
        up="/users",
        ends=True,
        about=_USER,
    ),
    Action(
        slug="user-allow",
        words=("kill", "user", "--undo"),
        title="Allow this user again",
        says=f"The user may sign in again. {LATER}",
        button="Allow",
        up="/users",
        about=_USER,
    ),
    Action(
        slug="user-revoke",
        words=("connection", "revoke"),
        title="Revoke this user's connections",
        says="Revokes every connection of the user, here and at the providers. The user stays.",
        button="Revoke",
        up="/users",
        ends=True,
        about={"user": "--user"},
    ),
    Action(
        slug="user-erase",
        words=("user", "erase"),
        title="Erase this user",
        says="Destroys the user's key and revokes all connections. This cannot be undone.",
        button="Erase",
        up="/users",
        ends=True,
        about=_USER,
    ),
    Action(
        slug="connection-revoke",
        words=("connection", "revoke"),
        title="Revoke this connection",
        says="Ends the connection here and revokes its tokens at the provider.",
        button="Revoke",
        up="/connections",
        ends=True,
        about={"connection_id": ""},
    ),
)
