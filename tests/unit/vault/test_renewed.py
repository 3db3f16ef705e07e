"""The next generation of a connection: all in it is sealed for its new place, and nothing is lost on the way."""

import json
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from chalicelib.encryption import Attribute, encryption_context_of, open_value, seal_answer, seal_value
from chalicelib.protocol.sealing import DecryptionFailed
from chalicelib.records.connection import Connection, Recovery
from chalicelib.upstream.http import HttpResponse
from chalicelib.vault.rules.renewed_connection import NoTokens, SealingInputs, keeps_lost, seal_renewed
from tests.kit.requirement import requirement
from tests.unit.vault.refresh_cases import DEMO, DUE, GRACE, NOW, ONCE

KEY, SALT = b"u" * 32, b"s" * 32


def seal(value: bytes, attribute: Attribute) -> bytes:
    return seal_value(KEY, value, attribute, place=encryption_context_of(DUE), salt=SALT)


STANDS = replace(
    DUE,
    granted=frozenset({"openid"}),
    sealed_refresh_token=seal(b"r1", "refresh_token"),
    sealed_previous=seal(b"r0", "previous"),
    sealed_profile=seal(b"profile", "profile"),
    sealed_metadata=seal(b"metadata", "metadata"),
    outgoing=(seal(b"o1", "outgoing"),),
    doubt_tries=(NOW - 9,),
)


def renew(raw: bytes | None = None, **answer: Any) -> Connection:
    """What becomes of it by an answer, beside which a sibling has been replaced."""
    body = json.dumps({"access_token": "a2", "token_type": "Bearer", "expires_in": 60, **answer}).encode()
    kept = HttpResponse(status=200, headers={"content-type": "application/json"}, body=body)
    recovery = Recovery(connection_id="c", generation=3, line=2, attempt=5, received_at=NOW)
    raw = msgspec.msgpack.encode(kept) if raw is None else raw
    recovery = replace(recovery, sealed=seal_answer(KEY, raw, recovery=recovery, owner=STANDS, salt=SALT))
    given = SealingInputs(user_key=KEY, epoch=4, siblings=("s1",), salt=lambda: SALT)
    return seal_renewed(STANDS, recovery, DEMO, given)


def opened(connection: Connection, attribute: Attribute) -> bytes:
    """In the place that the connection has now; nothing where nothing is kept."""
    sealed: bytes = getattr(connection, f"sealed_{attribute}")
    return open_value(KEY, sealed, attribute, place=encryption_context_of(connection)) if sealed else b""


def outgoing(connection: Connection) -> list[bytes]:
    return [open_value(KEY, one, "outgoing", place=encryption_context_of(connection)) for one in connection.outgoing]


@requirement("CB-12", "VLT-07", "F16")
def test_a_rotation_keeps_the_spent_token_and_all_that_is_still_to_be_ended() -> None:
    renewed = renew(refresh_token="r2")
    assert (renewed.token_generation, renewed.epoch, renewed.status) == (4, 4, "active")
    assert [opened(renewed, name) for name in ("access_token", "refresh_token", "previous")] == [b"a2", b"r2", b"r1"]
    assert [opened(renewed, name) for name in ("profile", "metadata")] == [b"profile", b"metadata"]
    assert outgoing(renewed) == [b"o1", b"s1"]
    assert renewed.doubt_tries == (), "a new token has not been tried in doubt"


@requirement("CB-12")
def test_without_a_new_refresh_token_the_stored_one_stays_and_none_is_spent() -> None:
    renewed = renew()
    assert (opened(renewed, "refresh_token"), opened(renewed, "previous")) == (b"r1", b"")
    assert outgoing(renew(refresh_token="s1")) == [b"o1"], "what came back is not to be ended"


@requirement("F16", "VLT-08")
@pytest.mark.parametrize("raw", [b"", b"\xc1", msgspec.msgpack.encode(HttpResponse(status=400))], ids=str)
def test_an_answer_that_says_no_tokens_renews_nothing(raw: bytes) -> None:
    with pytest.raises((DecryptionFailed, NoTokens), match="answer_"):
        renew(raw)


@requirement("F16", "VLT-07")
def test_new_tokens_do_not_end_what_an_earlier_sign_in_or_a_sibling_lost() -> None:
    once = replace(DEMO, refresh=ONCE)
    assert keeps_lost(replace(DUE, lost=2), once) and not keeps_lost(replace(DUE, lost=1), once)
    for grace in ("sibling", "newest"):
        assert keeps_lost(replace(DUE, lost=1), replace(DEMO, refresh=replace(GRACE, grace=grace)))
    assert not keeps_lost(replace(DUE, lost=1), replace(DEMO, refresh=GRACE))
