"""broker registration-token: what is typed, what the list says, and that nothing admits for ever or nobody."""

from collections.abc import Callable

import pytest

from chalicelib.adapters.aws.signed_transport import SignedTransport
from chalicelib.protocol.registration_tokens import token_hash
from tests.kit.cli.operator import SETTINGS, Done, Operator
from tests.kit.requirement import requirement

Typed = Callable[..., Done]


@pytest.fixture(autouse=True)
def ready(broker: Operator) -> None:
    """Its keys are there."""
    broker.made("init")


@requirement("REG-01")
def test_a_token_is_made_listed_and_revoked(typed: Typed) -> None:
    words = ("--uses", "3", "--expires-in", "3600", "--note", "CI of team A", "--scope", "openid demo:notes:read")
    made = typed("registration-token", "create", *words, "--handout", "token", "--auth-method", "none", "--json").json
    assert made["initial_access_token"].startswith("tb_register_") and len(made["initial_access_token"]) == 55
    assert made["registration_endpoint"].endswith("/register") and made["registration"].startswith("closed; set ")
    (row,) = typed("registration-token", "list", "--json").json
    assert made["initial_access_token"] not in str(row)
    assert (row["used"], row["uses"], row["over"], row["note"]) == (0, 3, False, "CI of team A")
    assert (row["scope"], row["handout"], row["auth_methods"]) == ("demo:notes:read openid", "token", ["none"])
    assert len(row["grant_types"]) == 3 and row["providers"] == ["*"] and row["name"] == made["name"]
    gone = typed("registration-token", "revoke", row["name"], "--json").json
    assert gone == {"name": row["name"], "revoked": True, "used": 0}
    assert typed("registration-token", "list", "--json").json == []
    typed("registration-token", "revoke", row["name"]).refused("no such registration token")


@requirement("REG-01")
def test_one_that_is_over_leaves_the_table_by_itself(typed: Typed) -> None:
    made = typed("registration-token", "create", "--expires-in", "3600", "--json").json
    key = {"pk": {"S": f"IAT#{token_hash(made['initial_access_token']).hex()}"}, "sk": {"S": "#"}}
    table = SignedTransport("dynamodb", endpoint_url=SETTINGS["BROKER_ENDPOINT_URL"])
    item = table.call("GetItem", {"TableName": SETTINGS["BROKER_TABLE"], "Key": key})["Item"]
    typed("registration-token", "revoke", made["name"])
    assert int(item["purge_at"]["N"]) == int(item["expires_at"]["N"]) + 30 * 86400


@requirement("REG-01")
def test_what_is_not_said_is_the_least(typed: Typed) -> None:
    made = typed("registration-token", "create", "--json").json
    assert (made["uses"], made["handout"], made["resources"]) == (1, "none", [])
    assert made["scope"] == "email offline_access openid profile"
    assert made["grant_types"] == ["authorization_code", "refresh_token"]
    many = typed("registration-token", "create", "--unlimited", "--json").json
    assert many["uses"] == "unlimited"
    for one in (made, many):
        assert typed("registration-token", "revoke", one["name"]).code == 0


REFUSED = {
    "no use": ("--uses", "0"),
    "fewer than none": ("--uses", "-1"),
    "an end in the past": ("--expires-in", "-1"),
    "an end at once": ("--expires-in", "59"),
    "no end": ("--expires-in", str(367 * 86400)),
    "a scope that cannot be": ("--scope", 'a"b'),
    "an API that is not there": ("--resource", "https://api.example"),
    "a note with a line break": ("--note", "a\nb"),
}


@requirement("REG-01")
@pytest.mark.parametrize("words", REFUSED.values(), ids=REFUSED)
def test_a_token_that_would_admit_for_ever_or_nobody_is_not_made(typed: Typed, words: tuple[str, str]) -> None:
    typed("registration-token", "create", *words).refused()
    assert typed("registration-token", "list", "--json").json == []
    assert typed("registration-token", "create", "--uses", "2", "--unlimited").code == 2
    assert typed("registration-token", "create", "--grant-type", "password").code == 2
