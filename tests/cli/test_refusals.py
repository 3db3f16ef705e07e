"""What cannot be done ends with 1 and says what to type next; wrong words end with 2; nothing is half done."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.deployment import aws
from tests.kit.cli.operator import Done, Operator
from tests.kit.requirement import requirement

APP = "https://app.example/callback"
CREATE = ["client", "create", "--name", "X"]
API = "https://api.example/orders"


@pytest.fixture(scope="module", autouse=True)
def initialised(broker: Operator) -> None:
    broker.made("init")
    broker.made("resource", "create", "--audience", API, "--scope", "orders:read", "--lifetime", "300")


REFUSED = {
    "a name of nothing": [*CREATE[:3], " ", "--redirect-uri", APP],
    "a name with a line break": [*CREATE[:3], "a\nb", "--redirect-uri", APP],
    "a name that turns the page around": [*CREATE[:3], "a\u202eb", "--redirect-uri", APP],
    "a client that could do nothing": CREATE,
    "a public client for itself": [*CREATE, "--for-itself"],
    "a public client that introspects": [*CREATE, "--redirect-uri", APP, "--serves", API],
    "script as a redirect": [*CREATE, "--redirect-uri", "javascript:alert(1)"],
    "plain http as a redirect": [*CREATE, "--redirect-uri", "http://app.example/"],
    "a private scheme of a web app": [*CREATE, "--redirect-uri", "com.example.app:/cb"],
    "a wildcard": [*CREATE, "--redirect-uri", "https://*.app.example/"],
    "a scope that cannot be read": [*CREATE, "--redirect-uri", APP, "--scope", 'open"id'],
    "an optional scope that is not asked": [*CREATE, "--redirect-uri", APP, "--optional-scope", "github:repo"],
    "first party without https": [*CREATE, "--redirect-uri", "http://127.0.0.1/cb", "--native", "--first-party"],
    "a provider without a file": [*CREATE, "--redirect-uri", APP, "--provider", "githb"],
    "an api that is not registered": [*CREATE, "--redirect-uri", APP, "--resource", "https://nobody.example"],
    "introspection of an api that is not registered": [
        *CREATE, "--auth-method", "client_secret_basic", "--serves", "https://nobody.example",
    ],
    "a home page that is script": [*CREATE, "--redirect-uri", APP, "--client-uri", "javascript:alert(1)"],
    "a way to begin that is plain http": [*CREATE, "--redirect-uri", APP, "--login-uri", "http://app.example/"],
    **{
        f"a rule for the proxy: {rule}": [*CREATE, "--redirect-uri", APP, "--proxy-allow", rule]
        for rule in (
            "github", "github GET", "github GET /user gist more", "github GET /user more", "githb GET /user",
            "github FETCH /user", "github get /user",
            "github GET evil.example/user", "github GET /a/../b", "github GET /a//b", "github GET /a%20b", "",
        )
    },
    "a rule for a client that is not there": ["client", "update", "0" * 32, "--proxy-allow", "github GET /user"],
    "an unknown client": ["client", "show", "0" * 32],
    "an id that no client has": ["client", "show", "../../x y"],
    "a secret of an unknown client": ["client", "secret", "rotate", "0" * 32],
    "an unknown provider": ["provider", "show", "githb"],
    "a provider that is not enabled": ["provider", "check", "github"],
    "a provider without a secret": ["provider", "set", "github", "--client-id", "x"],
    "a secret on the command line": ["provider", "set", "github", "--client-id", "x", "--secret-from", "my-secret"],
    "a secret from an empty variable": ["provider", "set", "github", "--client-id", "x", "--secret-from", "env:NONE"],
    "an issuer that is missing": ["provider", "set", "oidc", "--client-id", "x", "--secret-from", "env:HOME"],
    "an issuer by http": [
        "provider", "set", "oidc", "--client-id", "x", "--secret-from", "env:HOME", "--issuer", "http://login.example",
    ],
    "an issuer with a query": [
        "provider", "set", "oidc", "--client-id", "x", "--secret-from", "env:HOME", "--issuer", "https://a.example?x",
    ],
    "a file that is not there": ["provider", "check", "none.toml"],
    "an audience that is no address": ["resource", "create", "--audience", "orders"],
    "an audience with a fragment": ["resource", "create", "--audience", "https://api.example/#x"],
    "an audience that is there already": ["resource", "create", "--audience", API],
    "a scope of an api that cannot be read": ["resource", "create", "--audience", API + "/2", "--scope", "a\\b"],
    "an api with a provider's scope": ["resource", "create", "--audience", API + "/5", "--scope", "github:repo"],
    "an api whose scope is only a provider": ["resource", "create", "--audience", API + "/6", "--scope", "github:"],
    "a life that is too short": ["resource", "create", "--audience", API + "/3", "--lifetime", "1"],
    "a life that is too long": ["resource", "create", "--audience", API + "/4", "--lifetime", "86401"],
}  # fmt: skip


@requirement("OPS-01", "AUTHZ-05")
@pytest.mark.parametrize("words", REFUSED.values(), ids=REFUSED)
def test_a_refusal_says_what_to_type_next(typed: Callable[..., Done], words: list[str]) -> None:
    plain = typed(*words).refused()
    assert plain.out == "" and plain.err.startswith("broker: ")
    as_json = typed(*words, "--json")
    assert as_json.code == 1 and as_json.err == "" and set(as_json.json) == {"error", "hint"}
    assert typed("client", "list", "--json").json == []


@pytest.mark.parametrize(
    "words",
    [[], ["clinet"], ["client"], ["client", "create"], ["client", "show"], ["provider", "set", "demo"], ["init", "x"],
     ["client", "secret"], ["keys"], ["--json"],
     ["client", "create", "--name", "X", "--auth-method", "tls_client_auth"],
     ["resource", "create", "--audience", API, "--lifetime", "soon"], ["client", "list", "--yaml"]],
)  # fmt: skip
def test_wrong_words_end_with_2_and_where_the_help_is(typed: Callable[..., Done], words: list[str]) -> None:
    done = typed(*words)
    assert done.code == 2 and done.out == "" and re.match("dev.py broker[a-z ]*: error: ", done.err)
    assert "\n  next: python3 dev.py broker" in done.err and len(done.err.splitlines()) == 2


@requirement("META-02")
def test_a_resource_may_not_be_the_issuer_or_lie_under_it(broker: Operator, typed: Callable[..., Done]) -> None:
    issuer = broker.environ["BROKER_ISSUER"]
    for audience in (issuer, f"{issuer}/", f"{issuer}/userinfo"):
        typed("resource", "create", "--audience", audience).refused("issuer")
    typed(*CREATE, "--auth-method", "client_secret_basic", "--serves", issuer).refused()
    rows = typed("resource", "list", "--json").json
    assert [(row["audience"], row["scope"], row["token_seconds"]) for row in rows] == [(API, "orders:read", 300)]


def test_a_provider_file_is_checked_without_a_deployment(
    typed: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROKER_ISSUER", "")
    assert typed("provider", "check", "chalicelib/providers/github.toml").code == 0
    typed("provider", "list").refused("BROKER_ISSUER is empty")


@requirement("CB-06")
def test_two_providers_may_not_share_one_registration(
    typed: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THERE", "secret-there")
    words = ["--client-id", "same", "--secret-from", "env:THERE", "--issuer", "https://accounts.google.com"]
    assert typed("provider", "set", "oidc", *words).code == 0
    typed("provider", "set", "google", *words[:4]).refused("share one registration")
    assert typed("provider", "set", "oidc", *words).code == 0
    assert typed("provider", "set", "google", "--client-id", "other", *words[2:4]).code == 0
    rows = {row["provider_id"]: row for row in typed("provider", "list", "--json").json}
    assert rows["google"]["switched_on"] and rows["google"]["secret"] is True
    assert "secret-there" not in str(rows)


@requirement("AUTHZ-05")
def test_a_provider_whose_id_begins_scopes_of_an_own_api_is_not_switched_on(
    typed: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The API came first; `orders:read` would be the provider's from then on."""
    text = Path("local/providers/demo.toml").read_text(encoding="utf-8")
    for name in ("orders", "order"):
        (tmp_path / f"{name}.toml").write_text(text.replace('provider_id = "demo"', f'provider_id = "{name}"'))
    monkeypatch.setenv("BROKER_PROVIDER_DIRS", str(tmp_path))
    monkeypatch.setenv("THERE", "secret-there")
    words = ["--client-id", "x", "--secret-from", "env:THERE", "--issuer", "https://login.example"]
    typed("provider", "set", "orders", *words).refused(f"scopes of {API} already start with orders:")
    assert typed("provider", "set", "order", *words).code == 0


@requirement("GEN-12")
def test_settings_that_are_not_whole_are_all_named(typed: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BROKER_ISSUER")
    monkeypatch.setenv("BROKER_CODE_SECONDS", "0")
    monkeypatch.setenv("BROKER_PROVIDER_DIRS", "")
    typed("client", "list").refused("BROKER_ISSUER is missing", "BROKER_CODE_SECONDS", "BROKER_PROVIDER_DIRS is empty")


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"BROKER_TABLE": "none"}, "tables do not exist"),
        ({"BROKER_KMS_KEY": "alias/none"}, "KMS key"),
        ({"BROKER_ENDPOINT_URL": "http://127.0.0.1:9"}, "AWS"),
        ({"AWS_REGION": None, "AWS_DEFAULT_REGION": None, "BROKER_ENDPOINT_URL": None}, "AWS"),
        ({"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}, "AWS"),
    ],
    ids=["no tables", "no key", "nobody there", "no region", "no credentials"],
)
def test_what_aws_refuses_is_said_in_our_words(
    broker: Operator, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str | None], says: str
) -> None:
    # The one of this process has found its credentials long ago.
    monkeypatch.setattr(aws, "terminal_session", aws.terminal_session.__wrapped__)
    if "BROKER_KMS_KEY" in environ:  # a table without keys, so that one has to be made
        tables = broker.environ["BROKER_TABLE"], broker.environ["BROKER_KEYS_TABLE"]
        environ = {**environ, "BROKER_KEYS_TABLE": tables[0], "BROKER_TABLE": tables[1]}
    broker("init", **environ).refused(says)


def test_a_provider_file_is_checked_before_it_is_used(typed: Callable[..., Done], tmp_path: Path) -> None:
    right = typed("provider", "check", "local/providers/demo.toml", "--json")
    assert right.code == 0 and right.json["file"] == "ok"
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('provider_id = "Not Right"\nnonsense = 1\n')
    said = typed("provider", "check", str(wrong)).refused("wrong.toml is invalid")
    assert len(said.err.splitlines()) > 3, "every fault of the file is named"


def test_words_for_people_and_one_document_for_programs(typed: Callable[..., Done]) -> None:
    for words in (["init"], ["keys", "list"], ["provider", "list"], ["provider", "show", "github"], ["client", "list"]):
        assert typed(*words, "--json").json is not None
        said = typed(*words)
        assert said.code == 0 and said.out and not said.out.startswith(("{", "["))
