"""Actions on clients."""

from cli.commands.client import DEFAULT_SCOPE, METHODS
from cli.console.actions.action import LATER, Action, Field
from cli.deployment.operations import ROTATION_SECONDS

_CLIENT = {"client_id": ""}

ACTIONS = (
    Action(
        slug="client-create",
        words=("client", "create"),
        title="Register an app",
        says="The app can send users to the broker at once. A secret, if it has one, is shown only in the response.",
        button="Register",
        up="/clients",
        fields=(
            Field(name="name", label="Name", option="--name", hint="On the consent page", required=True),
            Field(
                name="redirect_uris",
                label="Redirect URIs",
                option="--redirect-uri",
                kind="lines",
                hint="One on each line, compared byte for byte",
            ),
            Field(
                name="method", label="How the app authenticates", option="--auth-method", kind="choice", choices=METHODS
            ),
            Field(name="native", label="An app on the user's device", option="--native", kind="flag"),
            Field(name="scope", label="Scopes", option="--scope", default=DEFAULT_SCOPE),
            Field(name="optional", label="Scopes that the user may deselect", option="--optional-scope"),
            Field(
                name="providers",
                label="Provider IDs",
                option="--provider",
                kind="lines",
                hint="One on each line; none means every enabled provider",
            ),
            Field(
                name="handout",
                label="How it may use providers' tokens",
                option="--handout",
                kind="choice",
                choices=("none", "proxy", "token"),
            ),
        ),
    ),
    Action(
        slug="client-secret-rotate",
        words=("client", "secret", "rotate"),
        title="Rotate the secret",
        says="Creates a new secret, which is shown only in the response. The old secret stays valid for the overlap.",
        button="Rotate",
        up="/clients",
        about=_CLIENT,
        fields=(
            Field(
                name="overlap",
                label="Overlap in seconds",
                option="--overlap",
                kind="number",
                default=str(ROTATION_SECONDS),
                hint="0 ends the old secret at once",
            ),
        ),
    ),
    Action(
        slug="client-disable",
        words=("client", "disable"),
        title="Disable this app",
        says="The app stops at its next request, for all users.",
        button="Disable",
        up="/clients",
        ends=True,
        about=_CLIENT,
    ),
    Action(
        slug="client-enable",
        words=("client", "enable"),
        title="Enable this app",
        says=f"The app may send users again. {LATER}",
        button="Enable",
        up="/clients",
        about=_CLIENT,
    ),
    Action(
        slug="client-revoke",
        words=("connection", "revoke"),
        title="Revoke all access of this app",
        says="Revokes all consents and connections of this app, here and at the providers. The app stays registered.",
        button="Revoke",
        up="/clients",
        ends=True,
        about={"client": "--client"},
    ),
    Action(
        slug="client-delete",
        words=("client", "delete"),
        title="Delete this app",
        says="Deletes the registration and revokes everything that the app holds. This cannot be undone.",
        button="Delete",
        up="/clients",
        ends=True,
        about=_CLIENT,
    ),
)
