"""The `claims` parameter: what is read of it, and what is no such parameter."""

import json

import pytest

from chalicelib.protocol.errors import InvalidRequest, UnmetAuthenticationRequirements
from chalicelib.protocol.requested_claims import RequestedClaims, parse_claims
from tests.kit.requirement import requirement


@requirement("OIDC-01")
def test_known_claims_ask_for_their_scope_and_unknown_ones_for_nothing() -> None:
    asked = {
        "userinfo": {"email": None, "given_name": {"essential": True}, "shoe_size": None},
        "id_token": {
            "picture": None,
            "auth_time": {"essential": True},
            "acr": {"values": ["urn:x"]},
            "shoe_size": None,
        },
        "elsewhere": 1,
    }
    found = parse_claims(json.dumps(asked))
    told = {"scopes": frozenset({"email", "profile"}), "id_token": frozenset({"picture"})}
    assert found == RequestedClaims(**told, wished_acr=("urn:x",))
    assert parse_claims(None) == parse_claims("{}") == parse_claims('{"userinfo": null}') == RequestedClaims()


@requirement("OIDC-02")
def test_a_user_may_be_named() -> None:
    assert parse_claims('{"id_token": {"sub": {"value": "a"}}}').subjects == {"a"}
    assert parse_claims('{"userinfo": {"sub": {"values": ["a", "b"]}}}').subjects == {"a", "b"}
    assert parse_claims('{"id_token": {"sub": null}}').subjects == frozenset()
    assert parse_claims('{"id_token": {"sub": {"essential": true}}}').subjects == frozenset()
    both = '{"userinfo": {"sub": {"values": ["a", "b"]}}, "id_token": {"sub": {"value": "b"}}}'
    assert parse_claims(both).subjects == {"b"}


@requirement("OIDC-02")
@pytest.mark.parametrize(
    "want",
    [
        '{"value": 123}',
        '{"value": {"a": 1}}',
        '{"value": null}',
        '{"value": ""}',
        '{"values": []}',
        '{"values": ["a", 1]}',
    ],
)
@pytest.mark.parametrize("part", ["userinfo", "id_token"])
def test_who_names_nobody_is_never_taken_to_mean_everybody(part: str, want: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_claims(f'{{"{part}": {{"sub": {want}}}}}')


@requirement("OIDC-02")
def test_two_parts_that_name_two_users_name_nobody() -> None:
    with pytest.raises(InvalidRequest):
        parse_claims('{"userinfo": {"sub": {"value": "a"}}, "id_token": {"sub": {"value": "b"}}}')


@requirement("OIDC-01")
@pytest.mark.parametrize(
    "value",
    [
        "", "{", "[]", "null", "1", '"userinfo"',
        '{"userinfo": []}', '{"id_token": "email"}', '{"userinfo": {"email": 1}}',
        '{"userinfo": {"email": []}}', '{"userinfo": {"email": {"essential": "yes"}}}', "[" * 4000,
        '{"userinfo": {"email": {"values": "a"}}}', '{"userinfo": {}, "userinfo": {}}',
        '{"id_token": {"a": 1, "a": null}}',
    ],
)  # fmt: skip
def test_what_is_no_such_document_is_refused(value: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_claims(value)


@requirement("OIDC-03")
@pytest.mark.parametrize("part", ["userinfo", "id_token"])
def test_an_authentication_context_has_to_be_or_is_a_wish(part: str) -> None:
    def read(**want: object) -> RequestedClaims:
        return parse_claims(json.dumps({part: {"acr": want}}))

    assert read(essential=True, value="urn:x").acr == ("urn:x",)
    assert read(essential=True, values=["urn:y", "urn:x"]).acr == ("urn:y", "urn:x")
    assert read(values=["urn:y", "urn:x"]) == RequestedClaims(wished_acr=("urn:y", "urn:x"))
    assert read(essential=True) == RequestedClaims()


@requirement("OIDC-03")
@pytest.mark.parametrize("want", [{"value": 1}, {"values": []}, {"values": ["a b", "", "\u00e9", "x" * 101]}])
def test_what_no_context_can_be_is_never_taken_for_any(want: dict[str, object]) -> None:
    with pytest.raises(UnmetAuthenticationRequirements):
        parse_claims(json.dumps({"id_token": {"acr": {"essential": True, **want}}}))


@requirement("OIDC-03")
def test_contexts_that_both_parts_demand_have_to_fit_both() -> None:
    def read(*values: str) -> RequestedClaims:
        both = {"userinfo": ["urn:a", "urn:b"], "id_token": list(values)}
        return parse_claims(json.dumps({k: {"acr": {"essential": True, "values": v}} for k, v in both.items()}))

    assert read("urn:b", "urn:c").acr == ("urn:b",)
    with pytest.raises(UnmetAuthenticationRequirements):
        read("urn:c")
