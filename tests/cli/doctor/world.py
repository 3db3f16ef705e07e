"""A deployment on embedded AWS, made as the templates make one."""

import contextlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.session import get_session

from chalicelib.records.item_keys import SWEEP, keyset_item_key
from chalicelib.records.small_items import KeysetItem
from chalicelib.records.sweep import Sweep
from cli.deployment.operations import init_keysets, set_provider
from cli.doctor.checks import Report, examine
from cli.doctor.deployment import GROUPS
from cli.doctor.deployment.functions import CHALICE
from cli.doctor.deployment.visit import Here
from local.package.package import ROOT
from local.stack.resources import create_key, create_tables

RESOURCES = json.loads((ROOT / "infra" / "resources.json").read_text())["Resources"]
ISSUER, TABLE, KEYS_TABLE, ALIAS = "https://login.example.com", "doctor", "doctor-keys", "alias/doctor"
SECRET = "canary-doctor-provider-secret"
DAY = 86_400


def policies() -> dict[str, str]:
    """Handler -> the file of its policy."""
    config = json.loads((CHALICE / "config.json").read_text())
    others = {f"app.{name}": entry["iam_policy_file"] for name, entry in config["lambda_functions"].items()}
    return {"app.app": config["iam_policy_file"], **others}


@dataclass
class World:
    """A deployment on embedded AWS, made as the templates make one, and its operator's environment."""

    endpoint_url: str
    folder: Path
    key_id: str = ""
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.environ = {
            "BROKER_ISSUER": ISSUER,
            "BROKER_TABLE": TABLE,
            "BROKER_KEYS_TABLE": KEYS_TABLE,
            "BROKER_KMS_KEY": ALIAS,
            "BROKER_ENDPOINT_URL": self.endpoint_url,
        }
        self.dynamodb, self.kms, self.iam, self.lambda_ = (
            get_session().create_client(service, endpoint_url=self.endpoint_url)
            for service in ("dynamodb", "kms", "iam", "lambda")
        )
        create_tables(self.endpoint_url, TABLE, KEYS_TABLE)
        create_key(self.endpoint_url, ALIAS)
        self.key_id = self.kms.describe_key(KeyId=ALIAS)["KeyMetadata"]["KeyId"]
        self.protect()
        for handler in policies():
            self.deploy(handler)
        self.deployment = Here(self.environ).deployment
        init_keysets(self.deployment)
        self.deployment.put(SWEEP, Sweep(due_at=self.now + DAY))
        set_provider(self.deployment, "github", client_id="ours", client_secret=SECRET)

    @property
    def now(self) -> int:
        return Here(self.environ).deployment.clock.now()

    def protect(self) -> None:
        """What the templates say beside the keys of the tables."""
        self.recover(TABLE, on=True)
        for name in (TABLE, KEYS_TABLE):
            self.dynamodb.update_table(TableName=name, DeletionProtectionEnabled=True)
        self.kms.enable_key_rotation(KeyId=self.key_id)
        policy = json.dumps(RESOURCES["BrokerKey"]["Properties"]["KeyPolicy"])
        self.kms.put_key_policy(KeyId=self.key_id, PolicyName="default", Policy=policy)

    def recover(self, table: str, *, on: bool) -> None:
        """Switch point-in-time recovery."""
        wanted = {"PointInTimeRecoveryEnabled": on}
        self.dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=wanted)

    def deploy(self, handler: str) -> None:
        """A function with the role of the repository."""
        name, variables = handler.replace(".", "-"), dict(self.environ)
        del variables["BROKER_ENDPOINT_URL"]
        variables |= {"BROKER_DEPLOYMENT": "broker", "BROKER_REGION_LETTER": "a"}  # what is said is as what is left out
        with contextlib.suppress(self.iam.exceptions.EntityAlreadyExistsException):
            trust = json.dumps({"Version": "2012-10-17", "Statement": []})
            self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        document = (CHALICE / policies()[handler]).read_text()
        for plain, named in (
            (":table/broker", f":table/{TABLE}"),
            ("alias/broker", ALIAS),
            ("/token-broker-*", "/app-*"),
        ):
            document = document.replace(plain, named)  # as a deployment of other names has it
        self.iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document)
        self.lambda_.create_function(
            FunctionName=name, Runtime="python3.13", Role=f"arn:aws:iam::123456789012:role/{name}", Handler=handler,
            Code={"ZipFile": b""}, Environment={"Variables": variables},
        )  # fmt: skip

    def keyset(self, purpose: Any) -> KeysetItem:
        """As it stands."""
        found = self.deployment.store.read(keyset_item_key(purpose)).get(keyset_item_key(purpose))
        assert found is not None
        return found

    def visit(self, **environ: str) -> Report:
        """Everything but the issuer, which nobody serves."""
        return examine("here", GROUPS, Here({**self.environ, **environ}))
