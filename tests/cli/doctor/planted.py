"""The faults of a deployment: each is planted, and mended again."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from msgspec.structs import replace

from chalicelib.records.client import Client
from chalicelib.records.item_keys import SWEEP, keyset_item_key, provider_item_key
from chalicelib.records.small_items import KeysetItem
from chalicelib.records.sweep import Sweep
from cli.deployment.operations import create_client, delete_client, set_provider
from tests.cli.doctor.world import DAY, ISSUER, KEYS_TABLE, SECRET, TABLE, World

FILE = """
provider_id = "{name}"
display_name = "Team"
checked_on = {checked_on}
issuer = "https://login.team.example"
discovery = true
id_token_signing_alg_values_supported = ["ES256"]
sign_in_scopes = ["openid"]
unverified = ["authorization"]
[documentation]
"https://team.example/docs" = ["issuer", "discovery", "id_token_signing_alg_values_supported", "sign_in_scopes"]
[authorization]
nonce = true
"""

Planted = Iterator[dict[str, str] | None]
Plant = Callable[[World], Planted]
FAULTS: dict[str, tuple[Plant, set[str]]] = {}


def plants(name: str, *follows: str) -> Callable[[Plant], Plant]:
    """The function below makes the fault that this check has to find, and mends it; it may give other settings.

    follows   what else has to be found then
    """

    def add(plant: Plant) -> Plant:
        FAULTS[name] = (plant, {name, *follows})
        return plant

    return add


def setting(name: str, check: str, value: str, *follows: str) -> None:
    """A fault of one setting; the functions then have another one."""
    plants(check, *follows)(lambda world: iter([{name: value}]))


setting("BROKER_EPOCH", "settings-whole", "x")
setting("BROKER_THEME", "settings-theme", "/nowhere.toml")
setting("BROKER_TABLE", "tables-exist", "nowhere", "functions-settings")
setting("BROKER_KMS_KEY", "key-exists", "alias/nowhere", "functions-settings")
setting("BROKER_PROVIDER_DIRS", "providers-files", "/nowhere")
setting("BROKER_ACCESS_TOKEN_SECONDS", "functions-settings", "300")


@plants("settings-issuer-path")
def _(world: World) -> Planted:
    yield {"BROKER_ISSUER": f"{ISSUER}/api"}


@plants("settings-strangers", "functions-settings")
def _(world: World) -> Planted:
    yield {"BROKER_REGISTRATION": "open", "BROKER_OPEN_REGISTRATION_HANDOUT": "token"}


@plants("tables-keys", "functions-settings")
def _(world: World) -> Planted:
    """The tables are mixed up: the one of keys has no index, and the one of users' keys is kept."""
    schema = [{"AttributeName": "id", "KeyType": "HASH"}]
    types = [{"AttributeName": "id", "AttributeType": "S"}]
    world.dynamodb.create_table(
        TableName="other", KeySchema=schema, AttributeDefinitions=types, BillingMode="PAY_PER_REQUEST",
        DeletionProtectionEnabled=True,
    )  # fmt: skip
    world.dynamodb.update_time_to_live(
        TableName="other", TimeToLiveSpecification={"AttributeName": "purge_at", "Enabled": True}
    )
    yield {"BROKER_KEYS_TABLE": "other"}


@plants("tables-expiry")
def _(world: World) -> Planted:
    for enabled in (False, True):
        wanted = {"AttributeName": "purge_at", "Enabled": enabled}
        world.dynamodb.update_time_to_live(TableName=KEYS_TABLE, TimeToLiveSpecification=wanted)
        yield None


@plants("tables-recovery")
def _(world: World) -> Planted:
    world.recover(TABLE, on=False)
    yield None
    world.recover(TABLE, on=True)


@plants("tables-no-recovery")
def _(world: World) -> Planted:
    world.recover(KEYS_TABLE, on=True)
    yield None
    world.recover(KEYS_TABLE, on=False)


@plants("tables-protected")
def _(world: World) -> Planted:
    world.dynamodb.update_table(TableName=KEYS_TABLE, DeletionProtectionEnabled=False)
    yield None
    world.dynamodb.update_table(TableName=KEYS_TABLE, DeletionProtectionEnabled=True)


@plants("tables-billing")
def _(world: World) -> Planted:
    capacity = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    world.dynamodb.update_table(TableName=KEYS_TABLE, BillingMode="PROVISIONED", ProvisionedThroughput=capacity)
    yield None
    world.dynamodb.update_table(TableName=KEYS_TABLE, BillingMode="PAY_PER_REQUEST")


@plants("key-enabled")
def _(world: World) -> Planted:
    world.kms.disable_key(KeyId=world.key_id)
    yield None
    world.kms.enable_key(KeyId=world.key_id)


@plants("key-rotates")
def _(world: World) -> Planted:
    world.kms.disable_key_rotation(KeyId=world.key_id)
    yield None
    world.kms.enable_key_rotation(KeyId=world.key_id)


@plants("key-policy")
def _(world: World) -> Planted:
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kms:*"}]}
    world.kms.put_key_policy(KeyId=world.key_id, PolicyName="default", Policy=json.dumps(policy))
    yield None
    world.protect()


@contextmanager
def keyset(world: World, purpose: Any, change: Callable[[KeysetItem], KeysetItem]) -> Iterator[None]:
    """A keyset that is another for a while."""
    before = world.keyset(purpose)
    world.deployment.put(keyset_item_key(purpose), change(before))
    yield
    world.deployment.put(keyset_item_key(purpose), before)


def of_first(**changed: Any) -> Callable[[KeysetItem], KeysetItem]:
    return lambda item: replace(item, keys=(replace(item.keys[0], **changed), *item.keys[1:]))


@plants("key-context")
def _(world: World) -> Planted:
    """A key that was wrapped for another purpose."""
    with keyset(world, "nonce", of_first(wrapped=world.keyset("cookie").keys[0].wrapped)):
        yield None


@plants("keysets-all")
def _(world: World) -> Planted:
    before = world.keyset("nonce")
    world.deployment.delete(keyset_item_key("nonce"))
    yield None
    world.deployment.put(keyset_item_key("nonce"), before)


@plants("keysets-current")
def _(world: World) -> Planted:
    with keyset(world, "cookie", of_first(state="retired")):
        yield None


@plants("keysets-due")
def _(world: World) -> Planted:
    with keyset(world, "signing", of_first(created_at=world.now - 400 * DAY)):
        yield None


@plants("keysets-made")
def _(world: World) -> Planted:
    with keyset(world, "cookie", of_first(created_at=world.now + DAY)):
        yield None


@plants("functions-all")
def _(world: World) -> Planted:
    world.lambda_.delete_function(FunctionName="app-jobs")
    yield None
    world.deploy("app.jobs")


@plants("roles-equal")
def _(world: World) -> Planted:
    more = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [more]})
    world.iam.put_role_policy(RoleName="app-app", PolicyName="by-hand", PolicyDocument=document)
    yield None
    world.iam.delete_role_policy(RoleName="app-app", PolicyName="by-hand")


@contextmanager
def provider(world: World, **changed: Any) -> Iterator[None]:
    """The record of github is another for a while."""
    place = provider_item_key("github")
    before = world.deployment.store.read(place).get(place)
    assert before is not None
    world.deployment.put(place, replace(before, **changed))
    yield
    world.deployment.put(place, before)


@plants("providers-some")
def _(world: World) -> Planted:
    before = world.deployment.store.read(provider_item_key("github")).get(provider_item_key("github"))
    assert before is not None
    world.deployment.delete(provider_item_key("github"))
    yield None
    world.deployment.put(provider_item_key("github"), before)


@plants("providers-secrets")
def _(world: World) -> Planted:
    with provider(world, sealed_secret=b"nothing that opens"):
        yield None


@plants("providers-values")
def _(world: World) -> Planted:
    with switched_on(world, "okta"):
        yield None


@contextmanager
def switched_on(world: World, provider_id: str) -> Iterator[None]:
    set_provider(world.deployment, provider_id, client_id="ours", client_secret=SECRET)
    yield
    world.deployment.delete(provider_item_key(provider_id))


@plants("providers-variables")
def _(world: World) -> Planted:
    folder = world.folder / "variables"
    folder.mkdir()
    registration = '[registration]\nclient_id = "ours"\nclient_secret = "env:DOCTOR_TEAM_SECRET"\n'
    (folder / "team.toml").write_text(FILE.format(name="team", checked_on="2026-01-01") + registration)
    yield {"BROKER_PROVIDER_DIRS": str(folder)}


@plants("providers-checked")
def _(world: World) -> Planted:
    folder = world.folder / "old"
    folder.mkdir()
    (folder / "old.toml").write_text(FILE.format(name="old", checked_on="2020-01-01"))
    with switched_on(world, "old"):
        yield {"BROKER_PROVIDER_DIRS": str(folder)}


@contextmanager
def registered(world: World, **fields: Any) -> Iterator[None]:
    client = Client(
        client_id="", client_name="App", redirect_uris=("https://app.example/cb",), token_endpoint_auth_method="none"
    )
    made, _ = create_client(world.deployment, replace(client, **fields))
    yield
    delete_client(world.deployment, made.client_id)


@plants("clients-scopes")
def _(world: World) -> Planted:
    with registered(world, scopes=frozenset({"openid", "githb:repo"})):
        yield None


@plants("clients-providers")
def _(world: World) -> Planted:
    with registered(world, scopes=frozenset({"openid", "github:repo"}), handout="none"):
        yield None


@plants("schedule-runs")
def _(world: World) -> Planted:
    world.deployment.put(SWEEP, Sweep(due_at=world.now - 3600))
    yield None
    world.deployment.put(SWEEP, Sweep(due_at=world.now + DAY))


@plants("schedule-keeps-up")
def _(world: World) -> Planted:
    due_at = world.now - 3600
    item = {"pk": {"S": "JOB#revoke"}, "sk": {"S": f"{due_at:012d}#doctor"}}
    fields = {"kind": {"S": "revoke"}, "job_id": {"S": "doctor"}, "schema": {"N": "1"}}
    times = {name: {"N": str(due_at)} for name in ("due_at", "created_at")}
    world.dynamodb.put_item(TableName=TABLE, Item={**item, **fields, **times})
    yield None
    world.dynamodb.delete_item(TableName=TABLE, Key=item)
