"""Actions on the team's own APIs, and on tokens with which apps register themselves."""

from cli.commands.registration_token import DAY, DEFAULT_SCOPE
from cli.console.actions.action import Action, Field

ACTIONS = (
    Action(
        slug="api-create",
        words=("resource", "create"),
        title="Register an API",
        says="Apps may then get access tokens for this API, if you also allow it in their registration.",
        button="Register",
        up="/apis",
        fields=(
            Field(name="audience", label="Audience", option="--audience", required=True, hint="An absolute URI"),
            Field(name="scope", label="Scopes", option="--scope", hint="Those of the API, separated by spaces"),
            Field(
                name="lifetime",
                label="Lifetime of its tokens in seconds",
                option="--lifetime",
                kind="number",
                hint="Empty: that of the deployment",
            ),
        ),
    ),
    Action(
        slug="api-delete",
        words=("resource", "delete"),
        title="Delete this API",
        says="No new tokens are issued for it. The command refuses while an app may request some.",
        button="Delete",
        up="/apis",
        ends=True,
        about={"audience": "--audience"},
    ),
    Action(
        slug="registration-token-create",
        words=("registration-token", "create"),
        title="Create a registration token",
        says="An app that has this token can register itself over HTTP. The token is shown only in the response.",
        button="Create",
        up="/apis",
        fields=(
            Field(name="uses", label="Number of apps", option="--uses", kind="number", default="1"),
            Field(
                name="seconds",
                label="Lifetime in seconds",
                option="--expires-in",
                kind="number",
                default=str(7 * DAY),
            ),
            Field(name="note", label="Note", option="--note", hint="For the list"),
            Field(name="scope", label="Scopes that those apps may register", option="--scope", default=DEFAULT_SCOPE),
        ),
    ),
    Action(
        slug="registration-token-revoke",
        words=("registration-token", "revoke"),
        title="Revoke this registration token",
        says="No more apps can register with it. Those that it registered stay.",
        button="Revoke",
        up="/apis",
        ends=True,
        about={"name": ""},
    ),
)
