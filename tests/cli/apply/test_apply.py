"""broker apply: clients, providers and APIs become what a file declares; a plan says it before."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kit import ROOT
from tests.kit.cli.applied_file import HEAD, WEB, rows_of
from tests.kit.cli.operator import Done, Operator
from tests.kit.requirement import requirement

EXAMPLE = (ROOT / "docs" / "broker.toml").read_text(encoding="utf-8")
SECRETS = {"MICROSOFT_SECRET": "another-secret"}
Apply = Callable[..., Done]


def dump(broker: Operator) -> list[Any]:
    """What the deployment has, as the single commands show it."""
    return [broker.made(kind, "list") for kind in ("client", "provider", "resource")]


def without_settings(text: str) -> str:
    before, _, rest = text.partition("[settings]")
    return before + rest[rest.index("[resources") :]


@pytest.mark.usefixtures("empty")
@requirement("APPLY-01")
def test_the_example_is_applied_once_and_then_there_is_no_difference(
    broker: Operator, apply: Apply, tmp_path: Path
) -> None:
    text, kept = without_settings(EXAMPLE), ("--secrets-to", str(tmp_path / "secrets"))
    before = dump(broker)
    plan = apply(text, "--plan", "--json", **SECRETS)
    assert plan.code == 3 and dump(broker) == before, "a plan changes nothing"
    assert {kind for _, kind, _ in rows_of(plan)} == {"resource", "provider", "client"}
    assert {change for change, _, _ in rows_of(plan)} == {"create"} and len(rows_of(plan)) == 10
    done = apply(text, "--json", *kept, **SECRETS)
    assert (done.code, done.err) == (0, ""), done
    assert [row["id"] for row in done.json] == [row["id"] for row in plan.json], "the plan says what is made"
    made = dump(broker)
    for words in ((), ("--plan",)):
        again = apply(text, *words, "--json", **SECRETS)
        assert (again.code, again.json) == (0, []), again
    assert dump(broker) == made, "the second apply changed nothing"
    clients = {row["client_name"]: row for row in made[0]}
    assert clients["Invoices"]["may_be_acted_by"] == [clients["Tools"]["client_id"]]
    assert clients["Tools"]["grant_types"] == ["client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"]
    assert clients["Nightly job"]["jwks"][0]["kid"] == "2026"
    assert clients["Television"]["grant_types"][-1].endswith("device_code")
    microsoft = broker.made("provider", "show", "microsoft")
    assert microsoft["client_id"].startswith("0f0e") and "organizations" in microsoft["variables"]["tenant"]
    assert broker.made("provider", "show", "github")["secret"]


@pytest.mark.usefixtures("empty")
@requirement("APPLY-01")
def test_what_is_exported_is_what_is_there(broker: Operator, apply: Apply, tmp_path: Path) -> None:
    text = without_settings(EXAMPLE)
    assert apply(text, "--secrets-to", str(tmp_path / "secrets"), **SECRETS).code == 0
    file = tmp_path / "exported.toml"
    assert broker("config", "export", "--to", str(file)).code == 0
    exported = file.read_text()
    assert exported.count("secret_from = ") == 2 and "another-secret" not in exported
    assert broker("config", "export").out.splitlines()[1:] == exported.splitlines()[1:]
    for environ in ({}, {"GITHUB_SECRET": None, "MICROSOFT_SECRET": None}):
        plan = apply(exported, "--plan", "--json", **{**SECRETS, **environ})
        assert (plan.code, plan.json) == (0, []), "also without the variables: the stored secrets stay"
    broker("config", "export", "--to", str(file)).refused("cannot be written")


@pytest.mark.usefixtures("empty")
@requirement("APPLY-02")
@pytest.mark.parametrize(
    ("line", "field", "value", "asked_again"),
    [
        ('redirect_uri = ["https://app.example/other"]', "redirect_uris", ["https://app.example/other"], True),
        ('redirect_uri = ["https://app.example/cb"]\nname = "Other"', "client_name", "Other", True),
        ('redirect_uri = ["https://app.example/cb"]\nscope = "openid"', "scope", "openid", True),
        ('redirect_uri = ["https://app.example/cb"]\nhandout = "proxy"', "handout", "proxy", True),
        ('redirect_uri = ["https://app.example/cb"]\nprovider = ["github"]', "providers", ["github"], False),
        ('redirect_uri = ["https://app.example/cb"]\npurpose = "Files  it"', "purpose", "Files it", True),
        ('redirect_uri = ["https://app.example/cb"]\noptional_scope = "email"', "optional_scopes", "email", False),
        ('redirect_uri = ["https://app.example/cb"]\nresponse_mode = ["query"]', "response_modes", ["query"], False),
        ('redirect_uri = ["https://app.example/cb"]\ndpop_bound = true', "dpop_bound_access_tokens", True, False),
        (
            'redirect_uri = ["https://app.example/cb"]\nbackchannel_logout_session_required = true',
            "backchannel_logout_session_required",
            True,
            False,
        ),
        (
            'redirect_uri = ["https://app.example/cb"]\nproxy_allow = ["github GET /user"]',
            "proxy_rules",
            ["github GET /user"],
            False,
        ),
        (
            'redirect_uri = ["https://app.example/cb"]\npost_logout_redirect_uri = ["https://app.example/"]',
            "post_logout_redirect_uris",
            ["https://app.example/"],
            False,
        ),
    ],
)
def test_one_changed_line_changes_one_field_and_the_line_before_brings_it_back(
    broker: Operator, apply: Apply, line: str, field: str, value: Any, asked_again: bool
) -> None:
    first = HEAD + WEB
    assert apply(first).code == 0
    (before,) = broker.made("client", "list")
    name = "" if "name =" in line else 'name = "Web"\n'
    changed = f"{HEAD}[clients.web]\n{name}{line}\n"
    plan = apply(changed, "--plan")
    assert plan.code == 3 and ("asked for consent again" in plan.out) == asked_again, plan.out
    assert broker.made("client", "list") == [before]
    assert apply(changed).code == 0
    (after,) = broker.made("client", "list")
    assert after[field] == value and after["client_id"] == before["client_id"]
    assert after["revision"] == before["revision"] + asked_again
    assert apply(changed, "--plan").code == 0
    assert apply(first).code == 0
    (back,) = broker.made("client", "list")
    assert {**back, "revision": 0} == {**before, "revision": 0}


@pytest.mark.usefixtures("empty")
@requirement("APPLY-02")
def test_keys_of_a_client_and_values_of_apis_and_providers_change(broker: Operator, apply: Apply) -> None:
    key = 'kty = "OKP"\ncrv = "Ed25519"\nx = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"\n'
    job = '[clients.job]\nname = "Job"\nfor_itself = true\nauth_method = "private_key_jwt"\n'
    api = '[resources."https://api.example"]\n'
    assert apply(HEAD + api + job + '[[clients.job.jwks]]\nkid = "1"\n' + key).code == 0
    text = (
        f'{HEAD.replace("us", "them")}{api}scope = "orders:read"\nlifetime = 60\n'
        f'{job}scope = "openid orders:read"\nresource = ["https://api.example"]\n[[clients.job.jwks]]\nkid = "2"\n{key}'
    )
    assert apply(text).code == 0
    (client,) = broker.made("client", "list")
    assert client["jwks"][0]["kid"] == "2" and client["resources"] == ["https://api.example"]
    (resource,) = broker.made("resource", "list")
    assert (resource["scope"], resource["token_seconds"]) == ("orders:read", 60)
    assert broker.made("provider", "show", "github")["client_id"] == "them"
    assert apply(text, "--plan").code == 0
    assert apply(text.replace("lifetime = 60\n", "")).code == 0
    assert broker.made("resource", "list")[0]["token_seconds"] is None


@pytest.mark.usefixtures("empty")
@requirement("APPLY-02")
def test_a_new_secret_at_the_provider_is_a_difference_and_an_absent_one_is_none(apply: Apply) -> None:
    assert apply(HEAD).code == 0
    changed = apply(HEAD, "--plan", GITHUB_SECRET="rotated")
    assert changed.code == 3 and "stored -> env:GITHUB_SECRET" in changed.out and "rotated" not in changed.out
    assert apply(HEAD, GITHUB_SECRET="rotated").code == 0
    assert apply(HEAD, "--plan", GITHUB_SECRET="rotated").code == 0
    kept = apply(HEAD, "--plan", GITHUB_SECRET=None)
    assert kept.code == 0 and "keeps its stored secret" in kept.out
    apply(HEAD, "--plan", GITHUB_SECRET="").refused("the secret is empty")
    apply(HEAD.replace("us", "them"), GITHUB_SECRET=None).refused("env:GITHUB_SECRET is not available here")


@pytest.mark.usefixtures("empty")
@requirement("APPLY-01")
def test_a_client_is_found_by_its_name_in_the_file_or_by_its_id(broker: Operator, apply: Apply) -> None:
    assert apply(WEB).code == 0
    (row,) = broker.made("client", "list")
    renamed = WEB.replace("clients.web", "clients.page") + f'client_id = "{row["client_id"]}"\n'
    assert apply(renamed, "--plan").code == 0
    other = apply(WEB.replace("clients.web", "clients.page"), "--plan", "--json")
    assert rows_of(other) == [("create", "client", "page")]
    by_hand = broker.made("client", "create", "--name", "Hand", "--redirect-uri", "https://app.example/cb")
    text = WEB + f'[clients.hand]\nname = "Hand"\nclient_id = "{by_hand["client_id"]}"\n'
    text += 'redirect_uri = ["https://app.example/cb"]\n'
    assert apply(text, "--plan").code == 0


@pytest.mark.usefixtures("empty")
@requirement("APPLY-02")
def test_grant_types_and_actors_that_create_cannot_give_follow_it(
    broker: Operator, apply: Apply, tmp_path: Path
) -> None:
    service = 'name = "{0}"\nauth_method = "client_secret_basic"\nacts = true\nresource = ["https://api.example"]\n'
    text = '[resources."https://api.example"]\n'
    text += "".join(
        f'[clients.{mine}]\n{service.format(mine)}may_be_acted_by = ["{other}"]\n'
        for mine, other in (("a", "b"), ("b", "a"))
    )
    text += (
        WEB + 'grant_type = ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"]\n'
    )
    assert apply(text, "--secrets-to", str(tmp_path / "secrets")).code == 0
    clients = {row["client_name"]: row for row in broker.made("client", "list")}
    assert clients["a"]["may_be_acted_by"] == [clients["b"]["client_id"]]
    assert clients["b"]["may_be_acted_by"] == [clients["a"]["client_id"]]
    assert len(clients["Web"]["grant_types"]) == 3
    assert apply(text, "--plan").code == 0


@requirement("APPLY-06")
@pytest.mark.usefixtures("empty")
def test_a_setting_is_compared_and_left_to_a_deployment(apply: Apply) -> None:
    text = "[settings]\ncode_seconds = 60\naccess_token_seconds = 300\n"
    for words in (("--plan",), ()):
        done = apply(text, *words)
        assert done.code == 3 and "600 -> 300" in done.out and "--set access_token_seconds=300" in done.out
        assert "code_seconds" not in done.out
    assert apply("[settings]\ncode_seconds = 60\n", "--plan").code == 0
