"""What a refusal means: a pure function of the old image, the handle and the moment (RFC 9700 section 4.14.2)."""

from dataclasses import replace as altered

import pytest
from msgspec.structs import replace

from chalicelib.protocol.errors import InvalidGrant, InvalidScope, InvalidTarget, OAuthError
from chalicelib.protocol.grant_refusals import Repeat, RevokeGrant, Withheld, explain_code_refusal, explain_refusal
from chalicelib.protocol.handles import secret_hash
from chalicelib.records.grant import Grant
from tests.kit.requirement import requirement
from tests.kit.store_scene import CHALLENGE, NOW, REDIRECT, Story

STORY = Story(store=None)  # type: ignore[arg-type]  # nothing here reaches a store
ACTIVE = replace(
    STORY.record("active"),
    generation=3,
    secret_hash=secret_hash(STORY.refresh_secret),
    salt=STORY.salt,
    advanced_at=NOW,
    previous_advanced_at=NOW - 10,
    expires_at=NOW + 86400,
)


def refresh(generation: int, *, grant: Grant | None = ACTIVE, now: int = NOW, **request: object) -> object:
    """Explain a refresh token of that generation with every binding right, unless said."""
    secret = request.pop("secret", None)
    handle = STORY.handle(generation, secret)  # type: ignore[arg-type]
    return explain_refusal(grant, handle, STORY.refresh_request(**request), now=now)


def code(*, grant: Grant | None = ACTIVE, now: int = NOW, secret: bytes | None = None, **request: object) -> object:
    """Explain a code with every binding right, unless said."""
    return explain_code_refusal(grant, STORY.handle(0, secret), STORY.code_request(**request), now=now)


@requirement("REF-03", "REF-04")
@pytest.mark.parametrize("age", [0, 29])
def test_the_immediate_predecessor_inside_the_grace_gets_the_same_successor(age: int) -> None:
    assert refresh(2, now=NOW + age) == Repeat(ACTIVE)


@requirement("REF-05")
@pytest.mark.parametrize("age", [30, 31, 3600])
def test_the_immediate_predecessor_after_the_grace_ends_the_grant(age: int) -> None:
    assert isinstance(refresh(2, now=NOW + age), RevokeGrant)


@requirement("REF-05")
def test_without_a_grace_every_repeat_ends_the_grant() -> None:
    assert isinstance(refresh(2, grant=replace(ACTIVE, grace_seconds=0)), RevokeGrant)


@requirement("REF-04")
def test_two_behind_inside_the_grace_of_its_own_passing_is_refused_and_ends_nothing() -> None:
    with pytest.raises(InvalidGrant, match="slow_duplicate"):
        refresh(1, now=NOW + 19)


@requirement("REF-04", "REF-05")
def test_two_behind_after_its_own_grace_ends_the_grant_although_the_last_grace_runs() -> None:
    assert isinstance(refresh(1, now=NOW + 20), RevokeGrant)


@requirement("REF-05")
def test_three_behind_ends_the_grant_at_once() -> None:
    grant = replace(ACTIVE, generation=4, previous_advanced_at=NOW)
    assert isinstance(refresh(1, grant=grant), RevokeGrant)


@requirement("ACC-07")
@pytest.mark.parametrize("age", [0, 3600])
def test_what_a_pause_withheld_is_for_its_predecessor_alone_at_any_age(age: int) -> None:
    withheld = replace(ACTIVE, withheld=ACTIVE.generation)
    assert refresh(2, grant=withheld, now=NOW + age) == Withheld(withheld)
    assert not isinstance(refresh(2, grant=replace(ACTIVE, withheld=2), now=NOW + age), Withheld)
    with pytest.raises(InvalidGrant, match="paused_by_user"):
        refresh(2, grant=replace(withheld, paused=True), now=NOW + age)
    with pytest.raises(InvalidGrant, match="bound_meanwhile"):
        refresh(2, grant=replace(withheld, jkt="key", bound_since=3), now=NOW + age, jkt="another")
    assert isinstance(refresh(1, grant=withheld, now=NOW + 3600), RevokeGrant)


@requirement("REF-01", "F04")
@pytest.mark.parametrize("generation", [1, 2])
@pytest.mark.parametrize("wrong", [{"client_id": "another"}, {"secret": b"x" * 16}, {"epoch": 1}], ids=str)
@pytest.mark.parametrize("age", [0, 3600])
def test_a_stranger_neither_gets_a_repeat_nor_ends_a_grant(generation: int, wrong: dict[str, object], age: int) -> None:
    with pytest.raises(InvalidGrant, match="unknown_or_over"):
        refresh(generation, now=NOW + age, **wrong)


@requirement("REF-07")
@pytest.mark.parametrize("generation", [1, 2, 3])
def test_asking_for_too_much_is_said_before_anything_is_called_a_replay(generation: int) -> None:
    with pytest.raises(InvalidScope):
        refresh(generation, now=NOW + 3600, scopes=frozenset({"admin"}))
    with pytest.raises(InvalidTarget):
        refresh(generation, now=NOW + 3600, resource="https://other.example")


@requirement("REF-05")
@pytest.mark.parametrize(("generation", "reason"), [(3, "binding_mismatch"), (4, "from_the_future")])
def test_a_generation_that_has_not_passed_ends_nothing(generation: int, reason: str) -> None:
    with pytest.raises(InvalidGrant, match=reason):
        refresh(generation)


@requirement("REF-08")
@pytest.mark.parametrize(
    "grant",
    [None, replace(ACTIVE, status="revoked"), replace(ACTIVE, expires_at=NOW), replace(ACTIVE, ends_at=NOW)],
    ids=["absent", "revoked", "idle end", "absolute end"],
)
def test_what_is_over_is_refused_without_a_fault(grant: Grant | None) -> None:
    for explain in (lambda: refresh(2, grant=grant), lambda: code(grant=grant)):
        with pytest.raises(InvalidGrant):
            explain()


@requirement("CODE-04")
def test_a_code_replayed_with_everything_right_ends_the_grant() -> None:
    assert code() == RevokeGrant(ACTIVE.grant_id, "code_replayed")
    assert isinstance(code(redirect_hash=None), RevokeGrant)


@requirement("CODE-04", "F04")
@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"client_id": "another"}, InvalidGrant),
        ({"secret": b"x" * 16}, InvalidGrant),
        ({"epoch": 1}, InvalidGrant),
        ({"redirect_hash": "0" * 64}, InvalidGrant),
        ({"code_challenge": CHALLENGE.replace("E", "F")}, InvalidGrant),
        ({"resource": "https://other.example"}, InvalidTarget),
    ],
    ids=str,
)
@pytest.mark.parametrize("status", ["issued", "active"])
def test_a_code_with_anything_wrong_ends_nothing(
    wrong: dict[str, object], error: type[OAuthError], status: str
) -> None:
    grant = ACTIVE if status == "active" else STORY.record("issued")
    with pytest.raises(error):
        code(grant=grant, **wrong)


@requirement("CODE-04")
def test_a_code_that_was_never_redeemed_is_not_called_a_replay() -> None:
    for status in ("exchanging", "issued"):
        with pytest.raises(InvalidGrant):
            code(grant=STORY.record(status))


def test_the_scene_is_the_one_that_the_tests_think_of() -> None:
    assert altered(STORY).record("issued").redirect_hash == REDIRECT
