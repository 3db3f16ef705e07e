"""The operator adds a trusted issuer, accepts its tokens for a client, tries one, and stops trusting it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import jwt
import pytest

from local.fake.provider import RunningProvider
from tests.kit.cli.operator import Done
from tests.kit.http.issuers import key_of
from tests.kit.requirement import requirement

AUDIENCE = "https://app.example/api"
Typed = Callable[..., Done]


@pytest.fixture
def client_id(typed: Typed) -> str:
    """A confidential client that may exchange tokens."""
    assert typed("init").code == 0
    return create(typed, "--handout", "token", "--auth-method", "client_secret_basic")


def create(typed: Typed, *more: str) -> str:
    """The id of a new client."""
    done = typed("client", "create", "--name", "App", "--redirect-uri", "https://app.example/cb", "--json", *more)
    assert done.code == 0, done.err
    return str(done.json["client_id"])


@pytest.fixture
def added(typed: Typed, provider: RunningProvider) -> Iterator[RunningProvider]:
    """The demo provider as a trusted issuer, for one test."""
    typed("init")
    done = typed("issuer", "add", provider.url, "--name", "demo-idp", "--algorithm", "ES256", "--json")
    assert done.code == 0, done.err
    assert done.json["jwks_uri"] == f"{provider.url}/jwks" and done.json["keys"] >= 1 and done.json["rules"] == []
    yield provider
    typed("issuer", "remove", "demo-idp")


def accept(typed: Typed, client_id: str, *more: str) -> Done:
    words = ("--kind", "access_token", "--audience", AUDIENCE, "--client", client_id, "--scope", "openid")
    return typed("issuer", "accept", "demo-idp", *words, *more)


def test_an_issuer_is_added_accepted_shown_and_removed(typed: Typed, client_id: str, added: RunningProvider) -> None:
    assert accept(typed, client_id, "--party", "app-at-idp").code == 0
    shown = typed("issuer", "show", "demo-idp", "--json").json
    assert shown["rules"] == [f"access_token for {AUDIENCE}, got by app-at-idp, presented by {client_id}: opens openid"]
    assert [row["name"] for row in typed("issuer", "list", "--json").json] == ["demo-idp"]
    again = accept(typed, client_id)
    assert again.code == 1 and "there is such a rule" in again.err
    assert typed("issuer", "forget-keys", "demo-idp", "--json").json["keys_after"]
    gone = typed("issuer", "unaccept", "demo-idp", "--kind", "access_token", "--client", client_id, "--json")
    assert gone.json["rules"] == []
    assert typed("issuer", "remove", "demo-idp", "--json").json["removed"] is True
    missing = typed("issuer", "show", "demo-idp")
    assert missing.code == 1 and "no such issuer" in missing.err


@requirement("ISS-21")
def test_one_command_kills_an_issuer(typed: Typed, added: RunningProvider) -> None:
    done = typed("kill", "issuer", "demo-idp", "--json")
    assert done.code == 0, done.err
    assert done.json["disabled"] is True and done.json["void"]["grants"] == 0
    assert typed("issuer", "show", "demo-idp", "--json").json["disabled"] is True
    undone = typed("kill", "issuer", "demo-idp", "--undo", "--json").json
    assert undone["disabled"] is False and undone["void_before"]


@requirement("ISS-11", "ISS-22")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("http://idp.example", "--name", "x"), "https"),
        (("https://*.idp.example", "--name", "x"), "cannot be read"),
        (("https://127.0.0.1", "--name", "x"), "cannot be read"),
        (("https://10.0.0.7", "--name", "x"), "cannot be read"),
        (("{provider}/elsewhere", "--name", "x"), "cannot be read"),
        (("{provider}", "--name", "x", "--subject-claim", "email"), "names no user"),
        (("{provider}", "--name", "x", "--subject-claim", "preferred_username"), "names no user"),
        (("{provider}", "--name", "x", "--algorithm", "HS256"), "--algorithm"),
        (("{provider}", "--name", "x", "--tenant-claim", "tid"), "--tenant"),
        (("{provider}", "--name", "x", "--login-of", "nobody"), "not enabled"),
        (("{broker}", "--name", "x", "--jwks-uri", "{provider}/jwks"), "itself"),
    ],
)
def test_what_cannot_be_an_issuer(typed: Typed, provider: RunningProvider, words: tuple[str, ...], said: str) -> None:
    typed("init")
    broker = typed("init", "--json").json["issuer"]
    done = typed("issuer", "add", *(word.format(provider=provider.url, broker=broker) for word in words))
    assert done.code == 1 and said in done.err, done.err
    assert "Traceback" not in done.err and typed("issuer", "list", "--json").json == []


@requirement("STD-01")
def test_a_login_of_needs_the_same_issuer_and_a_subject_that_is_the_same_everywhere(
    typed: Typed, provider: RunningProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMO_SECRET", "s" * 32)
    assert typed("init").code == 0
    words = ("provider", "set", "demo", "--client-id", "broker-at-demo", "--secret-from", "env:DEMO_SECRET")
    assert typed(*words, "--issuer", "http://127.0.0.2:9").code == 0
    add = ("issuer", "add", provider.url, "--name", "demo-idp", "--login-of", "demo")
    refused = typed(*add)
    assert refused.code == 1 and "another issuer or claim" in refused.err
    assert typed(*words, "--issuer", provider.url, "--ends-connections").code == 0
    pinned = typed(*add, "--jwks-uri", f"{provider.url}/jwks")
    assert pinned.code == 1 and "subject_types_supported" in pinned.err
    assert typed(*add, "--json").json["login_of"] == "demo"
    assert typed("issuer", "remove", "demo-idp").code == 0


@requirement("ISS-31")
@pytest.mark.parametrize("scope", ["profile", "openid email", "offline_access", "demo:notes:read"])
def test_a_rule_opens_no_profile_and_no_provider(
    typed: Typed, client_id: str, added: RunningProvider, scope: str
) -> None:
    done = typed(
        *("issuer", "accept", "demo-idp", "--kind", "access_token", "--audience", AUDIENCE),
        *("--client", client_id, "--scope", scope),
    )
    assert done.code == 1 and "--scope takes scopes of your own APIs" in done.err


@requirement("ISS-06", "ISS-08", "ISS-28")
def test_rules_that_could_confuse_are_refused(typed: Typed, client_id: str, added: RunningProvider) -> None:
    unfit = accept(typed, create(typed, "--auth-method", "client_secret_basic"))
    assert unfit.code == 1 and "--add-grant-type" in unfit.err
    refused = accept(typed, create(typed, "--handout", "token"))
    assert refused.code == 1 and "public client" in refused.err
    assert accept(typed, client_id).code == 0
    twin = typed("issuer", "accept", "demo-idp", "--kind", "id_token", "--audience", AUDIENCE, "--client", client_id)
    assert twin.code == 1 and "told apart" in twin.err
    old = typed(
        *("issuer", "accept", "demo-idp", "--kind", "access_token", "--audience", "https://x.example"),
        *("--client", client_id, "--max-age", "0"),
    )
    assert old.code == 1 and "--max-age" in old.err
    unknown = typed(
        *("issuer", "accept", "demo-idp", "--kind", "access_token", "--audience", "https://y.example"),
        *("--client", "0" * 32),
    )
    assert unknown.code == 1 and "no such client" in unknown.err


def test_a_token_is_tried_step_by_step(typed: Typed, client_id: str, added: RunningProvider, tmp_path: Path) -> None:
    assert accept(typed, client_id).code == 0
    claims = {"iss": added.url, "sub": "alice", "aud": AUDIENCE, "iat": 1, "exp": 2}
    where = tmp_path / "token"
    headers = {"typ": "at+jwt", "kid": "x"}
    where.write_text(jwt.encode(claims, key_of("stranger"), algorithm="ES256", headers=headers))
    words = ("issuer", "try", "demo-idp", "--client", client_id, "--token-from", f"file:{where}")
    said = typed(*words)
    assert said.code == 0 and "REFUSED  algorithm, times and age" in said.out
    assert "broker explain subject_token_expired" in said.out
    row = json.loads(typed(*words, "--json").out)
    assert row["accepted"] is False and row["steps"][-1]["reason"] == "subject_token_expired"
    where.write_text("not a token")
    assert "REFUSED  the token is a JWT" in typed(*words).out
