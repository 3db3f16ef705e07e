"""Actions on keys, jobs and the whole deployment."""

from cli.commands.keys import LASTING
from cli.console.actions.action import LATER, Action, Field
from cli.deployment.keysets import PURPOSES

ACTIONS = (
    Action(
        slug="jobs-run",
        words=("jobs", "run"),
        title="Run the due jobs now",
        says="Does what the schedule does every minute. Your computer calls the providers.",
        button="Run",
        up="/jobs",
    ),
    Action(
        slug="init",
        words=("init",),
        title="Create missing keys",
        says="Creates each keyset that does not exist. It replaces nothing.",
        button="Create",
        up="/keys",
    ),
    Action(
        slug="keys-rotate",
        words=("keys", "rotate"),
        title="Rotate a key",
        says="Starts the rotation of one key, or takes its next due step.",
        button="Rotate",
        up="/keys",
        fields=(Field(name="purpose", label="Keyset", kind="choice", choices=PURPOSES, required=True),),
    ),
    Action(
        slug="keys-emergency",
        words=("keys", "rotate", "--emergency"),
        title="Replace the signing key at once",
        says="For a leaked signing key. Apps must get new tokens.",
        button="Replace",
        up="/keys",
        ends=True,
        about={"purpose": ""},
    ),
    Action(
        slug="keys-destroy",
        words=("keys", "destroy"),
        title="Destroy an old version of a key",
        says="Destroys a retired version that nothing needs. The command refuses any other version.",
        button="Destroy",
        up="/keys",
        ends=True,
        fields=(
            Field(
                name="purpose",
                label="Keyset",
                kind="choice",
                choices=tuple(one for one in PURPOSES if one not in LASTING),
            ),
            Field(name="version", label="Version", kind="number", required=True),
        ),
    ),
    Action(
        slug="vault-reseal",
        words=("vault", "reseal"),
        title="Re-encrypt users' keys",
        says="Encrypts every user's key under the vault key in use, so that the old one can be destroyed.",
        button="Re-encrypt",
        up="/keys",
    ),
    Action(
        slug="stop-everything",
        words=("kill", "everything"),
        title="Stop everything",
        says="For an attack on the whole deployment.",
        button="Stop everything",
        up="/",
        ends=True,
    ),
    Action(
        slug="allow-everything",
        words=("kill", "everything", "--undo"),
        title="Allow everything again",
        says=f"Apps and users may sign in again. {LATER}",
        button="Allow",
        up="/",
    ),
)
