"""What our key at a provider signs: for one audience, one request, a minute."""

from typing import Any

import jwt
import pytest

from chalicelib.providers.definition import ClientAssertion
from chalicelib.records.job import Job
from chalicelib.upstream.client_assertion import UnusableKey, sign_assertion
from local.browser import query_of
from local.fake.id_token import new_key_pair
from tests.kit.providers.provider_scene import Scene, Stage
from tests.kit.providers.team_files import signing
from tests.kit.providers.team_provider import team
from tests.kit.requirement import requirement

PRIVATE, PUBLIC = new_key_pair("ES256")


def claims_of(signed: str) -> dict[str, Any]:
    options: Any = {"verify_exp": False, "verify_aud": False, "verify_iat": False}
    found: dict[str, Any] = jwt.decode(signed, PUBLIC, ["ES256"], options=options)
    return found


@requirement("TOK-06")
def test_an_assertion_has_one_audience_a_name_of_its_own_and_a_short_life() -> None:
    rules = ClientAssertion(algorithm="ES256", audience="https://login.team.example", key_id="k-{client_id}")
    signed = sign_assertion(rules, PRIVATE, client_id="us", now=1000, jti="one")
    assert claims_of(signed) == {
        "iss": "us", "sub": "us", "aud": "https://login.team.example", "iat": 1000, "exp": 1060, "jti": "one",
    }  # fmt: skip
    assert jwt.get_unverified_header(signed) == {"alg": "ES256", "typ": "JWT", "kid": "k-us"}


@requirement("TOK-06")
def test_what_stands_for_a_secret_has_no_name() -> None:
    rules = ClientAssertion(algorithm="ES256", audience="a", issuer="TEAM", lifetime_seconds=300)
    claims = claims_of(sign_assertion(rules, PRIVATE, client_id="us", now=1000, jti=None))
    assert claims == {"iss": "TEAM", "sub": "us", "aud": "a", "iat": 1000, "exp": 1300}


def test_a_key_of_another_kind_signs_nothing() -> None:
    rules = ClientAssertion(algorithm="RS256", audience="a")
    with pytest.raises(UnusableKey):
        sign_assertion(rules, PRIVATE, client_id="us", now=0, jti=None)


@requirement("TOK-06")
def test_each_request_has_an_assertion_of_its_own_and_no_key_leaves(stage: Stage) -> None:
    scene: Scene = stage(team(**signing("client_assertion", "ES256")))
    for _ in range(2):
        scene.redeem(scene.come_back())
    sent = [one.form for one in scene.player.requests if one.endpoint == "token"]
    assert all(set(one) >= {"client_assertion", "client_assertion_type", "client_id"} for one in sent)
    assert not any("client_secret" in one for one in sent)
    names = {jwt.decode(one["client_assertion"], options={"verify_signature": False})["jti"] for one in sent}
    assert len(names) == len(sent) == 2
    assert not any(b"PRIVATE KEY" in request.body for request in scene.player.requests)


def test_a_stored_key_that_cannot_sign_asks_nobody(stage: Stage) -> None:
    from cli.deployment.operations import set_provider

    scene: Scene = stage(team(**signing("signed_secret", "ES256")))
    callback = scene.app.person.decide(scene.leave()).location
    deployment = scene.trial.shop.deployment
    set_provider(deployment, "team", client_id=scene.record.client_id, client_secret="no key at all", issuer=None)
    scene.trial.shop.clock.advance(11)
    answer = scene.app.person.get(callback)
    assert (answer.status, scene.player.count("token")) == (503, 0)
    assert "provider_key_cannot_sign" in scene.trial.shop.log.getvalue()
    assert "code" not in query_of(answer.location)


@requirement("VLT-07")
def test_tokens_are_revoked_by_a_job_where_our_key_cannot_sign_now(stage: Stage) -> None:
    from cli.deployment.operations import set_provider

    rules = signing("client_assertion", "ES256")
    scene: Scene = stage(team(**{**rules, "more": rules["more"] + '[revocation]\nkind = "rfc7009"\n'}))
    scene.redeem(scene.come_back())
    connection, deployment = scene.connection(), scene.trial.shop.deployment
    set_provider(deployment, "team", client_id=scene.record.client_id, client_secret="no key at all", issuer=None)
    scene.trial.shop.clock.advance(11)
    ended = scene.app.end(connection.connection_id)
    assert (ended["at_provider"], scene.player.count("revoke")) == ("failed", 0)
    jobs: list[Job] = deployment.scan("JOB#", Job)
    assert [job.connection_id for job in jobs if job.kind == "revoke"] == [connection.connection_id]
