"""The table of purposes at /callback: every decision that a browser can make has a row, and no row is without one."""

from typing import get_args

import msgspec

from chalicelib.endpoints.callback.purposes import PURPOSES, purpose_of
from chalicelib.records.sign_in import Pending, Purpose
from tests.kit.requirement import requirement

PENDING = Pending(
    request=None,
    provider_id="p",
    state="s",
    nonce="n",
    code_verifier="v",
    grant_id="g",
    code_secret=b"",
    allowed=frozenset(),
    decided_at=0,
    decided_by="page",
)


@requirement("CB-01")
def test_every_purpose_has_its_row_and_every_row_a_purpose() -> None:
    rows = {name: purpose_of(msgspec.structs.replace(PENDING, purpose=name)) for name in get_args(Purpose)}
    rows["device"] = purpose_of(msgspec.structs.replace(PENDING, device_round=1))
    assert rows == PURPOSES
