"""broker audit blast-radius: what each leak exposes, as it is deployed now; another deployment, another answer."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from chalicelib.providers.catalog import load_catalog
from chalicelib.records.client import Client
from chalicelib.records.settings import Settings
from cli.deployment.blast_radius import KEYS, compute
from cli.deployment.inventory import Deployed
from cli.deployment.leak import Exposure, span
from cli.deployment.roles import PURPOSES, Role, read_role, read_roles
from cli.deployment.write_access import PLAIN_DECISIONS
from tests.kit import ROOT
from tests.kit.cli.operator import Done, Operator
from tests.kit.requirement import requirement

APP = "https://app.example/callback"
ROLES = {role.name: role for role in read_roles(ROOT)}
GITHUB = load_catalog().get("github")
assert GITHUB is not None
CLIENT = Client(
    client_id="c" * 32,
    client_name="Shop",
    redirect_uris=(APP,),
    token_endpoint_auth_method="client_secret_basic",
    grant_types=frozenset({"authorization_code", "refresh_token"}),
    scopes=frozenset({"openid", "github:repo"}),
    providers=frozenset({"*"}),
    handout="token",
)
DEPLOYED = Deployed(
    settings=Settings(issuer="https://login.example"),
    clients=(CLIENT,),
    providers=(GITHUB,),
    connections={"github": 7},
    roles=tuple(ROLES.values()),
    log_days={"APIHandlerLogGroup": 365},
)


def told(leak: str, of: str = "", deployed: Deployed = DEPLOYED) -> Exposure:
    """The one that begins so."""
    (found,) = [one for one in compute(deployed) if one.leak == leak and one.of.startswith(of)]
    return found


def changed(**fields: Any) -> Deployed:
    return replace(DEPLOYED, **fields)


def with_client(**fields: Any) -> Deployed:
    return changed(clients=(replace(CLIENT, **fields),))


@requirement("AUD-05")
def test_a_client_secret_exposes_what_its_registration_says() -> None:
    secret = told("client secret", "Shop")
    assert secret.gives == () and any("the token of github (repo)" in one for one in secret.with_more)
    assert any("at most 30 days" in one for one in secret.with_more) and "for 10 minutes" in secret.lasts
    calls = told("client secret", "Shop", with_client(handout="proxy"))
    assert any("calls through the proxy to github" in one for one in calls.with_more)
    for none in ({"handout": "none"}, {"providers": frozenset()}, {"scopes": frozenset({"openid"})}):
        assert not any("github" in one for one in told("client secret", "Shop", with_client(**none)).with_more[2:])
    machine = with_client(grant_types=frozenset({"client_credentials"}), redirect_uris=(), serves=frozenset({"urn:x"}))
    assert [one.split(" ")[0] for one in told("client secret", "Shop", machine).gives] == ["tokens", "the"]
    bound = told("client secret", "Shop", with_client(dpop_bound_access_tokens=True))
    assert all(one.endswith("only with the app's proof key too") for one in bound.with_more)
    assert told("client key", "Shop", with_client(token_endpoint_auth_method="private_key_jwt"))


@requirement("AUD-05")
def test_a_setting_changes_how_long_a_leak_lasts() -> None:
    short = changed(settings=Settings(issuer="https://login.example", access_token_seconds=60, session_seconds=3600))
    assert "for 1 minute" in told("client secret", "Shop", short).lasts
    assert told("laptop of a user", "its browser").lasts.startswith("12 hours")
    assert told("laptop of a user", "its browser", short).lasts.startswith("1 hour")
    assert told("log", deployed=changed(log_days={"g": None})).lasts.endswith("no retention")
    assert "365 days" in told("log").lasts
    assert [span(seconds) for seconds in (1, 90, 600, 7200, 86400)] == [
        "1 seconds", "90 seconds", "10 minutes", "2 hours", "1 day",
    ]  # fmt: skip


@requirement("AUD-05")
def test_a_public_app_and_one_with_a_session_leave_something_on_a_laptop_and_a_server_does_not() -> None:
    leaks = [one.of for one in compute(DEPLOYED) if one.leak == "laptop of a user"]
    assert leaks == ["its browser"]
    public = told("laptop of a user", "Shop", with_client(token_endpoint_auth_method="none"))
    assert public.gives == ("the token of github (repo)",) and public.lasts.startswith("14 days idle, 30 days")
    page = told("laptop of a user", "Shop", with_client(bff_origins=("https://app.example",)))
    assert page.lasts == "1 hour idle, 12 hours in total"


@requirement("AUD-05", "OPS-03")
def test_a_role_exposes_what_its_policy_allows_and_each_statement_counts() -> None:
    api, jobs, operator = told("role", "API function"), told("role", "function jobs"), told("laptop of an operator")
    for one in (api, jobs, operator):
        assert any("github (7 connections; refresh" in gift for gift in one.gives)
    assert KEYS["audit"] not in api.gives and KEYS["audit"] in jobs.gives and KEYS["cookie"] not in jobs.gives
    turning = told("role", "function keys")
    assert "the broker's client secrets at providers" in turning.gives
    assert not any("every third party's token" in gift for gift in turning.gives)
    assert "forged keys in place of the broker's" in operator.gives and "all log lines" in operator.gives
    policy = json.loads((ROOT / ".chalice" / "policy-jobs.json").read_text())
    for statement in policy["Statement"]:
        rest = [one for one in policy["Statement"] if one is not statement]
        less = read_role("function jobs", {"Statement": rest})
        of_keys_alone = any(word in json.dumps(statement["Resource"]) for word in ("/index/", ":log-group:"))
        assert of_keys_alone or less != ROLES["function jobs"], statement["Sid"]
    without = read_role("x", {"Statement": [one for one in policy["Statement"] if one["Sid"].startswith("What")]})
    assert not without.opens and told("role", "x", changed(roles=(without,))).gives == ()
    everything = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    assert read_role("all", everything).opens == set(PURPOSES) and read_role("all", everything).may_write("CLIENT")
    assert read_role("no", {"Statement": [{**everything["Statement"][0], "Effect": "Deny"}]}) == Role(name="no")


@requirement("AUD-05")
def test_every_keyset_and_both_tables_are_told() -> None:
    assert tuple(KEYS) == PURPOSES
    assert [one.of for one in compute(DEPLOYED) if one.leak == "key grant"] == list(PURPOSES)
    dump = told("table dump", "broker-keys")
    assert dump.gives == ("the number of users",) and "github (7 connections" in dump.with_more[0]


@requirement("AUD-05", "VLT-20")
def test_who_may_write_to_a_table_is_told_apart_from_who_has_a_copy() -> None:
    plain, keys = (one for one in compute(DEPLOYED) if one.leak == "write access")
    assert plain.gives == PLAIN_DECISIONS and not any("provider token" in what for what in plain.gives)
    assert keys.gives == ("deletion of users' keys, which destroys the data encrypted under them",)
    (keys_role,) = (one for one in compute(DEPLOYED) if one.leak == "role" and one.of == "function keys")
    assert any("by configuring another" in what for what in keys_role.gives)


@requirement("AUD-05")
def test_the_command_reads_what_is_deployed_and_says_something_else_when_it_changes(
    broker: Operator, typed: Callable[..., Done], tmp_path: Path
) -> None:
    broker.made("init")
    words = ["--redirect-uri", APP, "--auth-method", "client_secret_basic", "--name"]
    client = broker.made("client", "create", *words, "Later")["client_id"]

    def rows(*more: str) -> dict[str, Any]:
        return {f"{row['leak']}: {row['of']}": row for row in typed("audit", "blast-radius", "--json", *more).json}

    first = rows()
    assert f"client secret: Later ({client})" in first
    typed("client", "delete", client)
    assert first.keys() - rows().keys() == {f"client secret: Later ({client})"}
    for folder in (".chalice", "infra"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    file = tmp_path / ".chalice" / "policy-prod.json"
    file.write_text(file.read_text().replace('"kms:Decrypt"', '"kms:Encrypt"'))
    gives = rows("--checkout", str(tmp_path))["role: API function"]["gives"]
    assert gives != first["role: API function"]["gives"] and KEYS["signing"] not in gives
    said = typed("audit", "blast-radius").out
    assert "role: API function\n    gives      " in said and "key grant: vault" in said
    typed("audit", "blast-radius", "--checkout", str(tmp_path / "none")).refused("--checkout")
