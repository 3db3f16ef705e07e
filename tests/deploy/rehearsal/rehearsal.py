"""The life of a deployment, step by step, on ministack: what `dev.py deploy-rehearsal` prints and the tests run.

The previous release stands first, with a signed-in user; then comes this one. Each step raises AssertionError where it
does not go as it should, and returns the sentence that says what was seen.
"""

import base64
import hashlib
import json
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import WaiterError

from cli.deployment.local_environment import LOCAL, use_local_credentials
from local.package.template import build_template
from tests.deploy.infra.template import with_code
from tests.deploy.package.events import Answer
from tests.deploy.package.sign_in import SignIn
from tests.deploy.package.world import ISSUER, NETWORK, World
from tests.deploy.rehearsal.deployment import SERVICES, Stack, without_encryption_context
from tests.deploy.rehearsal.previous import build_previous
from tests.deploy.rehearsal.recorder import Recorder
from tests.kit.processes import run_ministack

AT_ONCE = 4


class Rehearsal:
    """One ministack, one stack on it, and what stands around it.

    doors   of each function, by its name in the template, and of the `operator`: what it calls of AWS
    kept    a sign-in of the previous release, and its tokens, which the user still holds
    """

    stack: Stack
    kept: tuple[SignIn, dict[str, Any]]

    def __init__(self, world: World, endpoint_url: str, package: Path, folder: Path) -> None:
        self.world, self.endpoint_url, self.package, self.folder = world, endpoint_url, package, folder
        self.doors: defaultdict[str, Recorder] = defaultdict(lambda: Recorder(endpoint_url))
        self.now = self.usable(build_template(f"./{package.name}", arch="arm64"))
        template, self.previous_package = build_previous(folder)
        self.previous = self.usable(template)

    def usable(self, template: dict[str, Any]) -> dict[str, Any]:
        """A template as this AWS can take it: settings that lead to it, conditions that it can evaluate."""
        variables = {name: self.world.environ[name] for name in ("BROKER_PROVIDER_DIRS",)}
        variables["BROKER_CLIENT_ID_DOCUMENTS"] = "true"
        if "Domain" not in template["Resources"]:
            variables["BROKER_ISSUER"] = ISSUER
        usable = without_encryption_context(with_code(template, "./package.zip", **variables))
        for name, resource in usable["Resources"].items():
            if resource["Type"] == "AWS::Serverless::Function":
                resource["Properties"]["Environment"]["Variables"]["BROKER_ENDPOINT_URL"] = self.doors[name].url
        return usable

    def stop(self) -> None:
        """Close the doors."""
        for door in self.doors.values():
            door.stop()

    def error_id(self) -> str:
        """The number of a refusal."""
        return str(json.loads(self.stack.send("GET", f"{ISSUER}/userinfo").body)["error_id"])

    def refresh(self, tokens: dict[str, Any], app: SignIn) -> Answer:
        """A refresh, whatever its answer."""
        form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        return self.stack.invoke(app.token_event(form))


Step = Callable[[Rehearsal], str]


@contextmanager
def rehearsing(package: Path, folder: Path) -> Iterator[Rehearsal]:
    """Everything but the stack itself: ministack, which enforces signatures and policies, and the provider."""
    use_local_credentials()
    world = World(folder, played=True, seeded=False)
    network = {name: value for name, value in world.environ.items() if name.startswith(("PLAYED_", "SSL_"))}
    # AUTH: signatures and policies count, the function's role included; our own key is the account's root.
    more = {**network, **LOCAL, "PYTHONPATH": str(NETWORK), "LAMBDA_EXECUTOR": "local", "AUTH": "true"}
    try:
        with run_ministack(SERVICES, more) as endpoint_url:
            here = Rehearsal(world, endpoint_url, package, folder)
            yield here
            here.stop()
    finally:
        world.stop()


def fail_to_deploy(here: Rehearsal) -> str:
    """A first deployment with a bad certificate, and then a good one: nothing of the first is in the way."""
    bad = json.loads(json.dumps(here.now))
    # ministack looks at no certificate; the domain fails there, as it does on AWS by its certificate.
    bad["Resources"]["Domain"]["Properties"]["DomainName"] = ""
    given = {"name": "token-broker-first", "Deployment": "first", "DomainName": "first.example.com"}
    try:
        Stack(here.endpoint_url, bad, here.package, **given)
    except WaiterError:
        dynamodb, kms, cloudformation = (client_of(here, name) for name in ("dynamodb", "kms", "cloudformation"))
        assert dynamodb.list_tables()["TableNames"] == []
        assert not [one for one in kms.list_aliases()["Aliases"] if one["AliasName"] == "alias/first"]
        cloudformation.delete_stack(StackName=given["name"])
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=given["name"])
        Stack(here.endpoint_url, here.now, here.package, **given)
        assert sorted(dynamodb.list_tables()["TableNames"]) == ["first", "first-keys"]
        cloudformation.delete_stack(StackName=given["name"])
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=given["name"])
        return "a first deployment failed at its domain and left neither table nor alias; the second one stood"
    raise AssertionError("a domain without a name was made")


def client_of(here: Rehearsal, service: str) -> Any:
    """A client of one service there."""
    return boto3.client(service, endpoint_url=here.endpoint_url)


def deploy_previous(here: Rehearsal) -> str:
    """The previous release, as it was deployed then; keysets, provider and app by the operator."""
    # Its key was made for one region, and stays so.
    here.stack = Stack(here.endpoint_url, here.previous, here.previous_package, MultiRegionKey="false")
    here.world.seed(here.endpoint_url)
    app = here.world.sign_in(here.stack)
    here.kept = (app, app.run())
    return "the previous release stands, and one user is signed in"


def update(here: Rehearsal) -> str:
    """This release over it: who is signed in stays so, and nothing has to be done to the table."""
    here.stack.deploy("update", here.now, here.package)
    assert here.stack.code() == {digest(here.package)}
    for door in here.doors.values():
        door.made.clear()  # what the release before did, its own policies allowed
    app, tokens = here.kept
    tokens = app.refresh(tokens["refresh_token"])
    assert app.hand_out(tokens["access_token"])["expires_in"] > 0
    here.kept = (app, tokens)
    return "this release stands; the user of before refreshed and was handed the provider's token"


def whole_sign_in(here: Rehearsal) -> str:
    """Sign-in, refresh, hand-out, and the end of it all by revocation."""
    app = here.world.sign_in(here.stack)
    first = app.run()
    tokens = app.refresh(first["refresh_token"])
    assert tokens["refresh_token"] != first["refresh_token"]
    assert app.hand_out(tokens["access_token"])["expires_in"] > 0
    form = {"token": tokens["refresh_token"], "client_id": app.app.client_id}
    assert here.stack.send("POST", f"{ISSUER}/revoke", form=form).status == 200
    assert here.refresh(tokens, app).status == 400
    return "sign-in, refresh, hand-out; revoked, and then refused"


def race(here: Rehearsal) -> str:
    """Several functions at once redeem one code, and refresh with one token."""
    app = here.world.sign_in(here.stack)
    code = app.call_back(app.visit(app.decide(app.authorize())))
    form = {"grant_type": "authorization_code", "code": code}
    form |= {"redirect_uri": app.app.redirect_uri, "code_verifier": app.verifier}
    redeemed = at_once(lambda: here.stack.invoke(app.token_event(form)))
    assert sorted(answer.status for answer in redeemed) == [200] + [400] * (AT_ONCE - 1)
    app = here.world.sign_in(here.stack)
    tokens = app.run()
    refreshed = [json.loads(answer.body) for answer in at_once(lambda: here.refresh(tokens, app))]
    assert len({answer["refresh_token"] for answer in refreshed}) == 1
    return f"{AT_ONCE} at once: one redemption of a code; one successor of a refresh token, for all the same"


def at_once(one: Callable[[], Answer]) -> list[Answer]:
    """What several threads get."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [waiting.result() for waiting in [pool.submit(one) for _ in range(AT_ONCE)]]


def fail_to_update(here: Rehearsal) -> str:
    """A release that does not start, with a template that is refused half-way: all of it goes back by itself."""
    broken = here.folder / "broken.zip"
    with zipfile.ZipFile(broken, "w") as archive:
        archive.writestr("app.py", "raise ImportError('a release that does not start')\n")
    refused = json.loads(json.dumps(here.now))
    alias = {"AliasName": "alias/aws/refused", "TargetKeyId": {"Ref": "BrokerKey"}}
    refused["Resources"]["Refused"] = {"Type": "AWS::KMS::Alias", "DependsOn": ["APIHandler"], "Properties": alias}
    try:
        here.stack.deploy("update", refused, broken)
    except WaiterError:
        assert here.stack.status() == "UPDATE_ROLLBACK_COMPLETE" and here.stack.code() == {digest(here.package)}
        app, tokens = here.kept
        here.kept = (app, app.refresh(tokens["refresh_token"]))
        return "an update that failed half-way went back by itself, and the user refreshed"
    raise AssertionError("a refused name was taken")


def go_back(here: Rehearsal) -> str:
    """The previous release again: it reads what this one wrote."""
    app = here.world.sign_in(here.stack)
    tokens = app.run()
    here.stack.deploy("update", here.previous, here.previous_package)
    assert here.stack.code() == {digest(here.previous_package)}
    for signed_in, held in (here.kept, (app, tokens)):
        now = signed_in.refresh(held["refresh_token"])
        assert signed_in.hand_out(now["access_token"])["expires_in"] > 0
    return "back on the previous release: both users refreshed and were handed the provider's token"


def digest(package: Path) -> str:
    """As Lambda tells which code a function has."""
    return base64.b64encode(hashlib.sha256(package.read_bytes()).digest()).decode()


STEPS: tuple[Step, ...] = (fail_to_deploy, deploy_previous, update, whole_sign_in, race, fail_to_update, go_back)
