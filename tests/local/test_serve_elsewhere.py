"""`serve` on another address, against tables on another machine, or in an AWS account."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.stack.resources import call_endpoint, create_tables
from tests.kit import ROOT
from tests.kit.processes import run_moto
from tests.kit.requirement import requirement

pytestmark = pytest.mark.timeout(120)
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_REGION": "us-east-1"}
OURS = {"BROKER_TABLE": "ours", "BROKER_KEYS_TABLE": "our-keys"}  # the stand-in has the usual ones already


@pytest.fixture
def moto() -> Iterator[str]:
    with run_moto() as endpoint_url:
        yield endpoint_url


def environ_of(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BROKER_", "AWS_"))}
    return {**kept, "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull, **more}


@contextmanager
def serving(*options: str, **environ: str) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "local.serve", "--port", "0", "--json", *options]
    with subprocess.Popen(command, cwd=ROOT, env=environ_of(**environ), stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            yield json.loads(child.stdout.readline())
        finally:
            child.terminate()
            assert child.wait(20) == 0


def refused(*options: str, **environ: str) -> str:
    command = [sys.executable, "-m", "local.serve", "--port", "0", *options]
    done = subprocess.run(command, cwd=ROOT, env=environ_of(**environ), capture_output=True, text=True, timeout=60)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
    return done.stderr


def read_keys(issuer: str, host: str = "127.0.0.1") -> list[Any]:
    """The issuer's keys, requested at an address of this machine."""
    place = urlsplit(issuer)
    asked = urllib.request.Request(f"http://{host}:{place.port}/jwks", headers={"Host": place.netloc})
    found: list[Any] = json.load(urllib.request.urlopen(asked, timeout=20))["keys"]
    return found


def tables_of(endpoint_url: str) -> list[str]:
    names: list[str] = call_endpoint(endpoint_url, "dynamodb", "ListTables", {})["TableNames"]
    return names


@requirement("START-05")
def test_only_a_named_address_listens_beyond_this_machine() -> None:
    with serving("--host", "0.0.0.0") as ready:
        assert ready["issuer"].startswith("http://127.0.0.1:") and read_keys(ready["issuer"], "127.0.0.2")
    with serving() as ready, pytest.raises(OSError, match="refused"):
        read_keys(ready["issuer"], "127.0.0.2")


@requirement("START-05")
def test_tables_on_another_machine_are_created_only_on_request(moto: str) -> None:
    elsewhere = moto.replace("127.0.0.1", "0.0.0.0")  # no loopback address, and it leads here all the same
    environ = {**CREDENTIALS, **OURS}
    assert "the tables do not exist" in refused("--endpoint-url", elsewhere, **environ)
    assert not set(OURS.values()) & set(tables_of(moto))
    with serving("--endpoint-url", elsewhere, "--create-tables", **environ) as ready:
        assert read_keys(ready["issuer"]) and set(OURS.values()) <= set(tables_of(moto))
    assert "--create-tables needs --endpoint-url" in refused("--create-tables")


@requirement("START-05")
def test_nothing_is_created_in_an_account(moto: str) -> None:
    """The account is a stand-in by AWS_ENDPOINT_URL, as every AWS SDK reads it."""
    account = {**CREDENTIALS, **OURS, "AWS_ENDPOINT_URL": moto}
    assert "the tables do not exist" in refused("--aws", **account)
    assert not set(OURS.values()) & set(tables_of(moto))
    create_tables(moto, OURS["BROKER_TABLE"], OURS["BROKER_KEYS_TABLE"])
    assert "the keys do not exist\n  next: python3 dev.py broker init\n" in refused("--aws", **account)
    assert "no AWS credentials" in refused("--aws", AWS_REGION="us-east-1")
    assert call_endpoint(moto, "dynamodb", "Scan", {"TableName": OURS["BROKER_KEYS_TABLE"]})["Items"] == []
    init = [sys.executable, "-m", "cli.main", "init"]
    subprocess.run(init, cwd=ROOT, env=environ_of(**account, BROKER_ISSUER="http://127.0.0.1:80"), check=True)
    with serving("--aws", **account) as ready:
        assert ready["endpoint_url"] is None and read_keys(ready["issuer"])
    assert "leave --endpoint-url" in refused("--aws", "--endpoint-url", moto)
