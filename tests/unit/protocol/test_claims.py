"""What tokens and /userinfo say."""

import pytest
from authlib.oidc.core.util import create_half_hash

from chalicelib.protocol.token_claims import access_token_claims, id_token_claims, token_half_hash, userinfo_claims
from tests.kit.requirement import requirement

NOW = 1_800_000_000
ISSUER = "https://broker.example"
TOKEN = {
    "issuer": ISSUER,
    "sub": "s",
    "audience": ISSUER,
    "client_id": "c" * 32,
    "scopes": frozenset({"openid", "github:repo"}),
    "jti": "j",
    "now": NOW,
    "lifetime_seconds": 600,
}
PROFILE = {
    "sub": "provider's own",
    "name": "Alice",
    "picture": None,
    "email": "alice@example.org",
    "email_verified": True,
    "groups": ["admins"],
}


@requirement("INT-03", "VLT-12")
def test_an_access_token_has_the_claims_of_rfc_9068_and_one_audience():
    assert access_token_claims(**TOKEN) == {
        "iss": ISSUER,
        "sub": "s",
        "aud": ISSUER,
        "client_id": "c" * 32,
        "scope": "github:repo openid",
        "jti": "j",
        "iat": NOW,
        "exp": NOW + 600,
        "epoch": 0,
    }


@requirement("VLT-12")
def test_only_a_token_for_ourselves_names_connections():
    given = TOKEN | {"grant_id": "g", "connections": {"github": "x"}, "auth_time": NOW - 5, "epoch": 3}
    ours = access_token_claims(**given)
    assert (ours["connections"], ours["grant_id"], ours["auth_time"], ours["epoch"]) == (
        {"github": "x"},
        "g",
        NOW - 5,
        3,
    )
    theirs = access_token_claims(**given | {"audience": "https://api.example"})
    assert "connections" not in theirs
    assert theirs["grant_id"] == "g"


@requirement("VLT-12")
def test_without_a_connection_nothing_is_said_of_connections():
    assert "connections" not in access_token_claims(**TOKEN, connections={})


@requirement("INT-03")
def test_an_id_token_is_for_its_client_alone():
    given = {"issuer": ISSUER, "sub": "s", "client_id": "c", "now": NOW, "lifetime_seconds": 60}
    least = {"iss": ISSUER, "sub": "s", "aud": "c", "iat": NOW, "exp": NOW + 60}
    assert id_token_claims(**given) == least
    more = id_token_claims(**given, nonce="n", auth_time=NOW - 9, access_token="token", sid="i")
    assert more == least | {"nonce": "n", "auth_time": NOW - 9, "at_hash": token_half_hash("token"), "sid": "i"}


@requirement("INT-03")
def test_the_half_hash_is_the_one_that_another_library_computes():
    assert token_half_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y") == "77QmUPtjPfzWtF2AnpK9RQ"
    assert token_half_hash("token") == create_half_hash("token", "ES256").decode()


@requirement("META-02")
@pytest.mark.parametrize(
    ("scopes", "claims"),
    [
        ({"openid"}, {}),
        ({"openid", "profile"}, {"name": "Alice"}),
        ({"openid", "email"}, {"email": "alice@example.org", "email_verified": True}),
        ({"github:email"}, {}),
    ],
)
def test_scopes_open_their_claims_and_nothing_else(scopes, claims):
    assert userinfo_claims(PROFILE, frozenset(scopes)) == claims


@requirement("CB-09")
@pytest.mark.parametrize("told", [None, False, "true", 1, "yes"])
def test_an_address_counts_as_verified_only_where_the_provider_said_true(told):
    profile = PROFILE | {"email_verified": told}
    assert userinfo_claims(profile, frozenset({"email"}))["email_verified"] is False


@requirement("CB-09")
@pytest.mark.parametrize("address", [None, 5, ["a@example.org"]])
def test_without_an_address_no_flag_is_told(address):
    assert userinfo_claims({"email": address, "email_verified": True}, frozenset({"email"})) == {}
