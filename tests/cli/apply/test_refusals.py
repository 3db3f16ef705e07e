"""broker apply refuses a secret in the file, wrong words, another deployment, and a deletion that nobody named."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.configuration.rehearsal import PlanWrote, ReadOnly
from tests.kit.cli.applied_file import HEAD, SECRET, WEB, rows_of
from tests.kit.cli.operator import Done, Operator, deployed
from tests.kit.requirement import requirement

Apply = Callable[..., Done]
CANARY = "canary-in-the-file"
PEM = "-----BEGIN PRIVATE KEY-----\\ncanary-in-the-file"
JWK = f'[[clients.job.jwks]]\nkty = "OKP"\ncrv = "Ed25519"\nx = "abc"\nd = "{CANARY}"\n'


@requirement("APPLY-03")
@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f'[providers.github]\nclient_id = "us"\nsecret_from = "{CANARY}"\n', "providers.github.secret_from"),
        (f'[providers.github]\nclient_id = "us"\nsecret_from = "env:"\nsecret = "{CANARY}"', "providers.github.secret"),
        (f'[providers.github]\nclient_id = "us"\nclient_secret = "{CANARY}"\n', "providers.github.client_secret"),
        (f'[providers.apple]\nclient_id = "us"\nprivate-key = "{CANARY}"\n', "providers.apple.private-key"),
        (f'{WEB}purpose = "{PEM}"\n', "clients.web.purpose"),
        (f'{WEB}redirect_uri = []\n[clients.job]\nname = "Job"\n{JWK}'.replace("redirect_uri = []\n", ""), "jwks.d"),
        (f'[settings]\napi_token = "{CANARY}"\n', "settings.api_token"),
    ],
)
@pytest.mark.parametrize("words", [(), ("--plan",), ("--json",)])
def test_a_secret_in_the_file_is_refused_and_not_repeated(
    apply: Apply, broker: Operator, text: str, place: str, words: tuple[str, ...]
) -> None:
    before = broker.made("client", "list")
    done = apply(text, *words).refused("may hold a secret", place)
    assert CANARY not in done.out + done.err
    assert broker.made("client", "list") == before


@requirement("APPLY-03")
def test_standard_input_is_no_reference(apply: Apply) -> None:
    apply(HEAD.replace("env:GITHUB_SECRET", "-")).refused("may hold a secret", "env:NAME or file:PATH")


@requirement("APPLY-04")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[client.web]\n", "client is not a section; did you mean clients?"),
        ("clients = 1\n", "clients must be a table"),
        ("[clients]\nweb = 1\n", "clients.web must be a table"),
        ("issuer = 1\n", "issuer must be a text"),
        ('[clients.web]\nnmae = "Web"\n', "nmae is not a key; did you mean name?"),
        ("[clients.web]\nredirect_uri = []\n", "clients.web: name is missing"),
        (WEB + 'native = "yes"\n', "native must be true or false"),
        (WEB + 'handout = "tokn"\n', "handout must be one of none, proxy, token"),
        (WEB + "scope = 1\n", "scope must be a text with words, or a list of texts"),
        (WEB + "provider = [1]\n", "provider must be a list of texts"),
        (WEB + 'grant_type = ["password"]\n', "grant_type must be one of"),
        (WEB + 'client_id = "web"\n', "client_id must be 32 digits or letters"),
        (WEB + "jwks = 1\n", "jwks must be the path of a JSON Web Key Set"),
        ('[resources."https://a.example"]\nlifetime = "1"\n', "lifetime must be a whole number"),
        (HEAD.strip() + '\nvariables = ["a=b"]\n', "variables must be a table of texts"),
        (
            WEB + 'scope = "openid githb:repo"\n',
            "clients.web: no provider file and no resource has the scope githb:repo",
        ),
        ('[providers.githb]\nclient_id = "us"\n', "providers.githb: no such provider file"),
        (WEB.replace("https", "http"), "clients.web: http://app.example/cb cannot be a redirect URI"),
        ('[resources."orders"]\n', "resources.orders: --audience must be an absolute URI"),
        (WEB + 'resource = ["https://nobody.example"]\n', "clients.web: there is no resource"),
        (WEB + 'may_be_acted_by = ["nobody"]\n', "clients.web: no such client: nobody"),
        ("[settings]\ncode_secnds = 60\n", "code_secnds is not a setting; did you mean code_seconds?"),
        ("[settings]\ncode_seconds = 0\n", "BROKER_CODE_SECONDS must be at least 1"),
        ('[settings]\ntable = "other"\n', "table names the deployment"),
        ("a = \n", "is not TOML"),
    ],
)
def test_a_fault_is_named_with_its_place_and_nothing_is_written(
    apply: Apply, broker: Operator, text: str, said: str
) -> None:
    before = broker.made("client", "list"), broker.made("resource", "list")
    apply(text + HEAD * ("providers" not in text)).refused(said)
    assert (broker.made("client", "list"), broker.made("resource", "list")) == before


@requirement("APPLY-04")
def test_all_faults_are_named_at_once_and_nothing_of_the_file_is_written(apply: Apply, broker: Operator) -> None:
    good = '[resources."https://good.example"]\n'
    text = good + WEB + 'scope = "nobody"\n' + WEB.replace("clients.web", "clients.other") + 'provider = ["githb"]\n'
    apply(text).refused("clients.web: ", "clients.other: ")
    assert "https://good.example" not in [row["audience"] for row in broker.made("resource", "list")]


@requirement("APPLY-04")
@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("native = true\n", "native cannot be changed from False to True"),
        ("first_party = true\n", "first_party cannot be changed"),
        ('subject_type = "pairwise"\n', "subject_type cannot be changed from public to pairwise"),
        ('auth_method = "client_secret_basic"\n', "auth_method cannot be changed from none"),
        ('grant_type = ["authorization_code"]\n', "grant_type cannot be changed"),
    ],
)
def test_what_only_a_registration_can_choose_is_refused_later(apply: Apply, line: str, said: str) -> None:
    assert apply(WEB).code == 0
    apply(WEB + line).refused("clients.web: ", said)
    apply(WEB + line, "--plan").refused("clients.web: ", said)


@requirement("APPLY-04")
def test_a_file_for_another_deployment_is_refused(apply: Apply, broker: Operator) -> None:
    apply('issuer = "https://other.example"\n' + WEB).refused("https://other.example", "BROKER_ISSUER")
    assert apply(f'issuer = "{broker.environ["BROKER_ISSUER"]}"\n' + WEB, "--plan").code in (0, 3)
    broker("apply", "nothing.toml").refused("cannot be read")


@requirement("APPLY-05")
@pytest.mark.usefixtures("empty")
def test_nothing_is_deleted_but_what_is_named(apply: Apply, broker: Operator) -> None:
    api = '[resources."https://api.example"]\n'
    assert apply(HEAD + api + WEB).code == 0
    (client,) = broker.made("client", "list")
    plan = apply("", "--plan")
    assert plan.code == 0, "what the file does not name is no difference"
    words = [f"client:{client['client_id']}", "provider:github", "resource:https://api.example"]
    assert all(f"--delete {word}" in plan.out for word in words)
    assert apply("").code == 0
    assert broker.made("client", "list") == [client] and broker.made("resource", "list")
    named = [one for word in words for one in ("--delete", word)]
    assert rows_of(apply("", "--plan", "--json", *named)) == [
        ("delete", "client", "Web"), ("delete", "resource", "https://api.example"), ("delete", "provider", "github"),
    ]  # fmt: skip
    assert broker.made("client", "list") == [client]
    assert apply(HEAD, *named[:2]).code == 0
    assert (broker.made("client", "list"), len(broker.made("resource", "list"))) == ([], 1)
    assert apply(HEAD, *named[4:]).code == 0 and broker.made("resource", "list") == []
    assert apply("", *named[2:4]).code == 0 and not broker.made("provider", "show", "github")["switched_on"]


@requirement("APPLY-05")
@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize("words", [(), ("--plan",)])
def test_a_deletion_of_what_the_file_names_or_nobody_knows_is_refused(
    apply: Apply, broker: Operator, words: tuple[str, ...]
) -> None:
    api = '[resources."https://api.example"]\n'
    assert apply(HEAD + api + WEB).code == 0
    (client,) = broker.made("client", "list")
    named = f"client:{client['client_id']}"
    apply(HEAD + WEB, *words, "--delete", named).refused("is refused", named)
    apply(HEAD + WEB, *words, "--delete", "provider:github").refused("is refused")
    apply(HEAD, *words, "--delete", named[:-1]).refused(f"did you mean --delete {named}?")
    apply(HEAD, *words, "--delete", "everything").refused("is refused")
    text = HEAD + WEB + 'resource = ["https://api.example"]\n'
    assert apply(api + text).code == 0
    apply(text, *words, "--delete", "resource:https://api.example").refused("may use https://api.example")
    assert len(broker.made("client", "list")) == 1


@requirement("APPLY-06")
def test_a_plan_cannot_write_whatever_it_calls(broker: Operator) -> None:
    here = deployed(broker)
    table = ReadOnly(here.dynamodb)
    for operation in ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem", "Encrypt", "New"):
        with pytest.raises(PlanWrote):
            table.call(operation, {})


@requirement("APPLY-03")
@pytest.mark.usefixtures("empty")
def test_the_secret_of_a_new_client_goes_to_a_file_that_only_its_owner_reads(
    apply: Apply, broker: Operator, tmp_path: Path
) -> None:
    text, file = WEB + 'auth_method = "client_secret_basic"\n', tmp_path / "secrets.jsonl"
    apply(text).refused("gets a secret, and nobody is here to read it", "--secrets-to")
    assert broker.made("client", "list") == []
    file.touch(0o644)
    apply(text, "--secrets-to", str(file)).refused("other users may read")
    apply(text, "--secrets-to", str(tmp_path / "no" / "folder")).refused("cannot be written")
    assert broker.made("client", "list") == []
    file.unlink()
    done = apply(text, "--secrets-to", str(file))
    row: dict[str, Any] = json.loads(file.read_text())
    (client,) = broker.made("client", "list")
    assert row["client_id"] == client["client_id"] and len(row["client_secret"]) == 64
    assert row["client_secret"] not in done.out and file.stat().st_mode & 0o777 == 0o600


@requirement("APPLY-07")
@pytest.mark.usefixtures("empty")
def test_each_change_is_on_record_as_the_single_command_with_the_file_that_asked_for_it(
    apply: Apply, broker: Operator
) -> None:
    head = HEAD.replace("us", "on-record")

    def records() -> list[Any]:
        rows = map(json.loads, broker("audit", "export", "--since", "1h", "--json").out.splitlines())
        return [row for row in rows if row["event"] == "operated"]

    known = records()
    assert apply(head + WEB, "--plan").code == 3
    assert records() == known, "a plan is not on record"
    assert apply(head + '[resources."https://api.example"]\n' + WEB).code == 0
    fresh = [row for row in records() if row not in known]
    made = ("client create", "provider set", "resource create")
    assert sorted((row["command"], row["outcome"]) for row in fresh) == [
        (command, outcome) for command in made for outcome in ("begun", "done")
    ]
    assert len({row["given"]["applied"] for row in fresh if row["outcome"] == "begun"}) == 1
    (client,) = broker.made("client", "list")
    assert client["client_id"] in [row["client_id"] for row in fresh] and SECRET not in json.dumps(fresh)
