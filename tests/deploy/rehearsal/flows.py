"""What each role is needed for, as flows on a deployed stack: requests, the schedule's duties, what operators type."""

import contextlib
import io
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from msgspec import structs

from chalicelib.adapters.aws.transport import call_with_repeats
from chalicelib.adapters.dynamodb.codec import key as item_key
from chalicelib.jobs.backchannel_logout import enqueue_logout_everywhere
from chalicelib.jobs.user_erasure import enqueue_erasure
from chalicelib.ports import Broker
from chalicelib.records.client import Client
from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import keyset_copy_item_key, keyset_item_key
from chalicelib.records.job import Job
from cli.deployment.aws import terminal_session
from cli.deployment.keysets import list_keysets
from cli.deployment.operations import Deployment, create_client
from cli.main import main
from tests.deploy.package.sign_in import EXCHANGE, App, Browser, SignIn
from tests.deploy.package.world import ISSUER, PROVIDER_NAME, SCHEDULED, SCOPE
from tests.deploy.rehearsal.rare_duties import (
    end_while_it_is_refreshed,
    keep_a_document,
    leave_records_to_seal,
    sign_in_at_the_agent,
)
from tests.deploy.rehearsal.rehearsal import Rehearsal
from tests.kit.jose.proofs import ProofKey

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


def team(here: Rehearsal) -> tuple[App, str]:
    """An app with a secret, whose users have names of its own, which is told of sign-outs; and its secret."""
    client, secret = create_client(
        Deployment(here.world.operator(here.endpoint_url).settings),
        Client(
            client_id="",
            client_name="Notes for teams",
            redirect_uris=("https://team.example.com/back",),
            token_endpoint_auth_method="client_secret_basic",
            grant_types=frozenset({"authorization_code", "refresh_token", EXCHANGE, DEVICE}),
            scopes=frozenset(SCOPE.split()),
            providers=frozenset({"demo"}),
            handout="token",
            subject_type="pairwise",
            sector="team.example.com",
            backchannel_logout_uri=f"https://{PROVIDER_NAME}/told-of-sign-outs",
        ),
    )
    assert secret is not None
    app = replace(here.world.app, client_id=client.client_id, redirect_uri=client.redirect_uris[0])
    return app, secret


def sign_in_at_the_team(here: Rehearsal, app: App, secret: str, user: str = "bob") -> dict[str, Any]:
    """A sign-in with everything that the first app does not ask of us."""
    visit = lambda url: here.world.neighbours.visit(url, user)
    signed_in = SignIn(app, Browser(here.stack, ISSUER), visit, client_secret=secret)
    tokens = signed_in.run()
    signed_in.hand_out(tokens["access_token"])
    return tokens


def ask_for_a_device_code(here: Rehearsal, app: App, secret: str) -> int:
    """The status of RFC 8628's first request."""
    event = SignIn(app, Browser(here.stack, ISSUER), str, client_secret=secret).token_event({"scope": app.scope})
    return here.stack.invoke({**event, "target": "/device_authorization"}).status


def present_a_proof(here: Rehearsal) -> str:
    """What a proof of possession is answered that holds a nonce of somebody else's (RFC 9449 section 8)."""
    operator = here.world.operator(here.endpoint_url)
    proof = ProofKey().prove("POST", f"{ISSUER}/token", now=operator.clock.now(), nonce="of somebody else's")
    form = {"grant_type": "refresh_token", "refresh_token": "none", "client_id": here.world.app.client_id}
    return str(json.loads(here.stack.send("POST", f"{ISSUER}/token", form=form, headers={"DPoP": proof}).body)["error"])


def look_at_connections(here: Rehearsal) -> None:
    """The app's list of its user's connections, and how often the first of them was used."""
    app = here.world.sign_in(here.stack)
    tokens = app.run()
    app.hand_out(tokens["access_token"])
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    listed = here.stack.send("GET", f"{ISSUER}/connections", headers=headers)
    assert listed.status == 200, f"{listed.status} {listed.body}"
    name = json.loads(listed.body)["connections"][0]["connection_id"]
    one = here.stack.send("GET", f"{ISSUER}/connections/{name}", headers=headers)
    assert one.status == 200, f"{one.status} {one.body}"


def stop_the_clock(here: Rehearsal) -> None:
    """From here on the scheduled function runs when it is called, and not once a minute as well."""
    for rule in here.stack.client("events").list_rules()["Rules"]:
        here.stack.client("events").disable_rule(Name=rule["Name"])


def invoke(here: Rehearsal, name: str) -> dict[str, Any]:
    """The answer of a scheduled function of app.py to its event."""
    functions = here.stack.client("lambda").list_functions()["Functions"]
    (found,) = (function for function in functions if function["Handler"] == f"app.{name}")
    answer = here.stack.client("lambda").invoke(FunctionName=found["FunctionName"], Payload=json.dumps(SCHEDULED))
    said: dict[str, Any] = json.loads(answer["Payload"].read())
    return said


def start_cold(here: Rehearsal) -> None:
    """No process of any function goes on: the next call of each is a cold start."""
    functions = here.stack.client("lambda")
    for function in functions.list_functions()["Functions"]:
        seconds = 28 if function["Timeout"] == 29 else 29
        functions.update_function_configuration(FunctionName=function["FunctionName"], Timeout=seconds)


def begin_anew(here: Rehearsal) -> None:
    """No process may know its keys from before their years went by in no time; nor does a token last so long."""
    start_cold(here)
    again = here.world.sign_in(here.stack)
    here.kept = (again, again.run())


def let_keys_grow_old(operator: Broker) -> None:
    """Every key is two hundred days older: what its next step waits for has passed."""
    deployment, age = Deployment(operator.settings), 200 * 86400
    for item in list_keysets(deployment):
        keys = tuple(
            structs.replace(key, created_at=key.created_at - age, since=max(0, key.since - age)) for key in item.keys
        )
        older = structs.replace(item, keys=keys)
        deployment.put(keyset_item_key(item.purpose), older)
        if item.purpose == "vault":  # the copy is of the same keys
            deployment.put(keyset_copy_item_key("vault"), older)


def leave_every_duty(here: Rehearsal, operator: Broker, sub: str) -> None:
    """One of each kind that can be left from outside, all of one user, and the look at all connections due again."""
    now, app = operator.clock.now(), here.world.app.client_id
    enqueue_logout_everywhere(operator, sub)
    operator.store.put_job(Job(kind="time_up", job_id="1" * 32, due_at=now, created_at=now, sub=sub, client_id=app))
    enqueue_erasure(operator, sub)
    forget_the_last_look(operator)


def forget_the_last_look(operator: Broker) -> None:
    """The daily look at all connections is due at once."""
    asked = {"TableName": operator.settings.table, "Key": item_key("SWEEP")}
    call_with_repeats(Deployment(operator.settings).dynamodb, "DeleteItem", asked)


def users(operator: Broker) -> dict[str, str]:
    """client_id to the user of its one live connection."""
    found = Deployment(operator.settings).scan("CONNECTION#", Connection)
    return {one.client_id: one.sub for one in found if one.status == "active"}


def do_everything(here: Rehearsal) -> None:
    """What each function and the operator do in their lives, once."""
    stop_the_clock(here)
    operator = here.world.operator(here.endpoint_url)
    look_at_connections(here)
    app, secret = team(here)
    sign_in_at_the_team(here, app, secret)
    assert ask_for_a_device_code(here, app, secret) == 200
    assert present_a_proof(here) == "use_dpop_nonce"
    subs = users(operator)
    keep_a_document(operator)
    end_while_it_is_refreshed(here, operator)
    sign_in_at_the_agent(here, "bob")
    leave_records_to_seal(here, operator)
    forget_the_last_look(operator)
    assert invoke(here, "jobs")["done"] >= 1
    leave_every_duty(here, operator, subs[app.client_id])
    here.world.neighbours.misbehave(at="revoke", status=503)
    assert invoke(here, "jobs")["done"] >= 2
    here.world.neighbours.misbehave()
    for _ in ("published", "others published", "used", "sealed anew"):
        let_keys_grow_old(operator)
        assert "errorType" not in invoke(here, "keys")
    with as_operator(here):
        operate(here, subs[here.world.app.client_id])
    begin_anew(here)


@contextlib.contextmanager
def as_operator(here: Rehearsal) -> Iterator[None]:
    """This terminal with the operator's role of the stack, and a door of its own to AWS."""
    taken = here.stack.client("sts").assume_role(
        RoleArn=here.stack.outputs["OperatorRoleArn"], RoleSessionName="rehearsal"
    )["Credentials"]
    given = {
        "AWS_ACCESS_KEY_ID": taken["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": taken["SecretAccessKey"],
        "AWS_SESSION_TOKEN": taken["SessionToken"],
        "BROKER_ISSUER": ISSUER,
        "BROKER_ENDPOINT_URL": here.doors["operator"].url,
        "BROKER_PROVIDER_DIRS": here.world.environ["BROKER_PROVIDER_DIRS"],
    }
    before = dict(os.environ)
    os.environ.update(given)
    terminal_session.cache_clear()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        terminal_session.cache_clear()


def type_(*words: str) -> Any:
    """`broker ... --json`: its document. Raises AssertionError with what it said where it could not."""
    said, complained = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
        code = main([*words, "--json"])
    assert code == 0, f"broker {' '.join(words)}: {said.getvalue()}{complained.getvalue()}"
    return json.loads(said.getvalue() or "null")


def operate(here: Rehearsal, sub: str) -> None:
    """A day of an operator: apps, users, keys, duties, and a user who reads out the number of an error."""
    operator = here.world.operator(here.endpoint_url)
    type_("init")
    words = ("--name", "Notes", "--redirect-uri", "https://notes.example/back", "--provider", "demo")
    client = type_("client", "create", *words)
    type_("client", "delete", client["client_id"])
    type_("connection", "list")
    type_("user", "sign-out", sub)
    forget_the_last_look(operator)
    type_("jobs", "run")
    type_("user", "erase", sub, "--yes")
    for _ in ("published", "used"):
        type_("keys", "rotate", "vault")
        let_keys_grow_old(operator)
    type_("vault", "reseal")
    type_("explain", here.error_id())
