"""Actions on providers."""

from cli.console.actions.action import LATER, Action, Field
from cli.deployment.secret_source import SOURCES

_PROVIDER = {"provider_id": ""}

ACTIONS = (
    Action(
        slug="provider-set",
        words=("provider", "set"),
        title="Enable this provider",
        says="Enables the provider with your registration there. Register the redirect URI there first.",
        button="Enable",
        up="/providers",
        about=_PROVIDER,
        fields=(
            Field(name="client", label="Your client ID at the provider", option="--client-id", required=True),
            Field(
                name="secret",
                label="Where your client secret is",
                option="--secret-from",
                hint=f"{SOURCES.removesuffix('|-')}: the secret itself never goes through the browser",
            ),
            Field(name="issuer", label="Issuer", option="--issuer", hint="For provider files without one"),
            Field(
                name="variables",
                label="Variables",
                option="--variable",
                kind="lines",
                hint="NAME=VALUE on each line, as the provider's page lists them",
            ),
            Field(
                name="moves",
                label="End present connections if requests go to other hosts",
                option="--ends-connections",
                kind="flag",
            ),
        ),
    ),
    Action(
        slug="provider-stop",
        words=("kill", "provider"),
        title="Stop this provider",
        says="Ends every sign-in through this provider and every connection at it, for all apps, with one write.",
        button="Stop",
        up="/providers",
        ends=True,
        about=_PROVIDER,
    ),
    Action(
        slug="provider-allow",
        words=("kill", "provider", "--undo"),
        title="Allow this provider again",
        says=f"Users may sign in with it again. {LATER}",
        button="Allow",
        up="/providers",
        about=_PROVIDER,
    ),
    Action(
        slug="provider-revoke",
        words=("connection", "revoke"),
        title="Revoke all connections at this provider",
        says="Revokes every connection of all users and apps, here and at the provider.",
        button="Revoke",
        up="/providers",
        ends=True,
        about={"provider": "--provider"},
    ),
)
