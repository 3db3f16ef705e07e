"""Whoever tries the broker first, as docs/deploy.md has it: `broker bootstrap`, `chalice deploy` again and again."""

import http.client
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3

from cli.deployment.local_environment import LOCAL
from local.package.package import ROOT, copy_application
from tests.deploy.rehearsal.import_door import ImportDoor

SERVICES = "cloudformation,dynamodb,kms,s3,sts,iam,lambda,apigateway,logs,events"
OURS = ("app.py", "chalicelib/", "chalice/")
# A release of before: it had a route that has gone since, and lacks one.
OF_BEFORE = """
app.route("/of-before", content_types=[])(lambda: {})
app.routes.pop("/health")
"""


class FirstTry:
    """Whoever types the commands: a copy of the repository, and an account in which there is nothing yet.

    issuer   what the first deployment said, as the others have it
    stood    what stood after each of three deployments: one of before, the one that is tested, and the same once more
    """

    def __init__(self, folder: Path, endpoint_url: str, package: Path) -> None:
        self.folder, self.endpoint_url, self.door = folder, endpoint_url, ImportDoor(endpoint_url)
        copy_application(folder, ROOT)
        shutil.copytree(ROOT / ".chalice", folder / ".chalice", ignore=shutil.ignore_patterns("deploy*", "venv"))
        (folder / "requirements.txt").write_text("", encoding="ascii")
        with zipfile.ZipFile(package) as packed:
            packed.extractall(folder / "vendor", [name for name in packed.namelist() if not name.startswith(OURS)])
        self.set("BROKER_ENDPOINT_URL", endpoint_url)
        self.run(ROOT, {"BROKER_ENDPOINT_URL": endpoint_url}, sys.executable, "-m", "cli.main", "bootstrap", "--json")
        app = (folder / "app.py").read_text(encoding="utf-8")
        (folder / "app.py").write_text(app + OF_BEFORE, encoding="utf-8")
        self.issuer = self.deploy()
        self.stood = [self.look()]
        (folder / "app.py").write_text(app, encoding="utf-8")
        self.set("BROKER_ISSUER", self.issuer)
        self.again = []
        for _ in ("changed", "the same"):
            self.again.append(self.deploy())
            self.stood.append(self.look())
        given = {"BROKER_ENDPOINT_URL": endpoint_url, "BROKER_ISSUER": self.issuer}
        self.run(ROOT, given, sys.executable, "-m", "cli.main", "init", "--json")

    @property
    def config(self) -> dict[str, Any]:
        """The copy's .chalice/config.json."""
        found: dict[str, Any] = json.loads((self.folder / ".chalice" / "config.json").read_text(encoding="utf-8"))
        return found

    def set(self, name: str, value: str) -> None:
        """A setting of the stage."""
        changed = self.config
        changed["stages"]["dev"]["environment_variables"][name] = value
        (self.folder / ".chalice" / "config.json").write_text(json.dumps(changed), encoding="utf-8")

    def deploy(self) -> str:
        """`chalice deploy --stage dev`; the address that it prints, without the slash at the end."""
        chalice = str(Path(sys.executable).with_name("chalice"))
        said = self.run(self.folder, {"AWS_ENDPOINT_URL": self.door.url}, chalice, "deploy", "--stage", "dev")
        (address,) = (line.split()[-1] for line in said.splitlines() if "Rest API URL" in line)
        assert address.endswith("/")
        return address.removesuffix("/")

    def look(self) -> dict[str, Any]:
        """Functions, roles, routes and schedules, without the times of their last writing."""
        times, iam = ("LastModified", "RevisionId"), self.client("iam")
        functions = self.client("lambda").list_functions()["Functions"]
        roles = {one["Role"].rpartition("/")[2] for one in functions}
        named = {role: iam.list_role_policies(RoleName=role)["PolicyNames"] for role in roles}
        return {
            "functions": {
                one["FunctionName"]: {name: value for name, value in one.items() if name not in times}
                for one in functions
            },
            "policies": {
                (role, name): iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
                for role, names in named.items()
                for name in names
            },
            "routes": self.routes(),
            "rules": sorted((one["Name"], one["State"]) for one in self.client("events").list_rules()["Rules"]),
        }

    def routes(self) -> frozenset[tuple[str, str]]:
        """Method and path of everything that the API answers."""
        api = self.client("apigateway")
        (found,) = api.get_rest_apis()["items"]
        pages = api.get_paginator("get_resources").paginate(restApiId=found["id"], embed=["methods"])
        resources = [resource for page in pages for resource in page["items"]]
        return frozenset((method, one["path"]) for one in resources for method in one.get("resourceMethods", {}))

    def run(self, folder: Path, more: dict[str, str], *command: str) -> str:
        """What a command says; it has to end well."""
        done = subprocess.run(command, cwd=folder, env={**os.environ, **LOCAL, **more}, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def client(self, service: str) -> Any:
        """A client of one service there."""
        return boto3.client(service, endpoint_url=self.endpoint_url)

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        """One request through the gateway and the function; status and document."""
        issuer = urlsplit(self.issuer)
        connection = http.client.HTTPConnection(urlsplit(self.endpoint_url).netloc, timeout=60)
        place = f"/restapis/{issuer.netloc.partition('.')[0]}{issuer.path}/_user_request_"
        connection.request("GET", place + path, headers={"Host": issuer.netloc})
        answer = connection.getresponse()
        body = json.loads(answer.read())
        connection.close()
        return answer.status, body
