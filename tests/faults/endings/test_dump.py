"""Whoever steals both tables and the log holds nothing that opens anything; an erased user is erased in backups too."""

import json
from typing import Any, get_args
from urllib.parse import parse_qsl, quote

import pytest

from chalicelib.encryption import encryption_context_of, open_answer, open_payload, open_user_key, open_value
from chalicelib.protocol.sealing import DecryptionFailed
from chalicelib.records.item_keys import recovery_item_key, user_key_item_key
from chalicelib.records.keyset import Purpose
from tests.kit.connection_scene import Scene, lose
from tests.kit.http.stack import PROVIDER_SECRET
from tests.kit.http.tokens import CONFIDENTIAL, read, refusal, start_session
from tests.kit.requirement import requirement
from tests.kit.table_dump import haystack, read_tables, restore_table, search

SENT = ("code", "code_verifier", "client_secret", "refresh_token", "token")
RECEIVED = ("access_token", "refresh_token", "id_token")


class Overheard:
    """All that goes to the provider and comes back, on the broker's own way out."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.secrets: dict[str, str] = {}

    def fetch(self, request: Any, **more: Any) -> Any:
        response = self.inner.fetch(request, **more)
        sent = dict(parse_qsl(request.body.decode()))
        self._note("sent", {name: sent[name] for name in SENT if name in sent})
        if response.headers.get("content-type", "").startswith("application/json"):
            document = json.loads(response.body)
            self._note("received", {name: str(document[name]) for name in RECEIVED if name in document})
        return response

    def _note(self, how: str, found: dict[str, str]) -> None:
        for name, value in found.items():
            self.secrets[f"{how} {name} {len(self.secrets)}"] = value


def whole_run(scene: Scene) -> dict[str, bytes | str]:
    """Sign-in, refresh, hand-out, refresh at the provider, a refresh that the table refuses, doubt, revocation: every
    secret of it, by name."""
    stack, overheard = scene.stack, Overheard(scene.outside.inner)
    scene.outside.inner = overheard
    session = scene.session = start_session(stack, **CONFIDENTIAL)
    scene.connection_id = session.claims["connections"]["demo"]
    sign_in = session.sign_in
    secrets: dict[str, bytes | str] = {
        "our code": sign_in.code, "the app's verifier": sign_in.verifier, "our client's secret": str(sign_in.secret),
        "access token": session.access, "its signature": session.access.split(".")[2],
        "refresh token": session.refresh_token, "ID token": session.tokens["id_token"],
        "our secret at the provider": PROVIDER_SECRET,
    }  # fmt: skip
    for number, header in enumerate(sign_in.browser.set_cookies):
        name, _, rest = header.partition("=")
        if len(rest.partition(";")[0]) > 12:
            secrets[f"cookie {name} {number}"] = rest.partition(";")[0]
    secrets["handed out"] = session.exchange().json["access_token"]
    session.tokens = session.refresh().json
    secrets |= {"second access token": session.access, "second refresh token": session.refresh_token}
    assert session.userinfo().status == 200
    scene.expire()
    assert scene.asks() == "token"
    secrets["handed out anew"] = session.exchange().json["access_token"]
    scene.expire()
    scene.crash(2, "T", times=99)
    scene.clock.advance(16)
    scene.outside.after = lose
    scene.asks()
    stack.post("/revoke", sign_in.client, sign_in.secret, token=session.refresh_token)
    again = start_session(stack, client=(sign_in.client, sign_in.secret))
    secrets |= {"third access token": again.access, "third refresh token": again.refresh_token}
    secrets["the user's key"] = scene.user_key()
    for purpose in get_args(Purpose):
        for version, key in stack.broker.keys.get(purpose).versions.items():
            secrets[f"key {purpose} {version}"] = key.secret
    scene.provider.faults.at, scene.provider.faults.status = frozenset({"revoke"}), 503
    scene.end()
    assert scene.jobs
    return secrets | overheard.secrets


@requirement("VLT-04", "GEN-18")
def test_a_dump_of_both_tables_and_the_log_holds_no_secret_of_a_whole_run(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    secrets = whole_run(scene)
    kinds = {name.rstrip("0123456789 ") for name in secrets}
    for kind in ("sent code_verifier", "sent refresh_token", "received access_token", "received id_token", "key vault"):
        assert kind in kinds, kinds
    assert any(name.startswith("cookie") for name in secrets) and len(secrets) > 30
    hay = haystack(scene.stack)
    assert search(hay, secrets) == []
    for spelled in (
        secrets["handed out"],
        quote(str(secrets["our client's secret"])),
        "x" + secrets["the user's key"].hex(),  # type: ignore[union-attr]
    ):
        assert search(hay + str(spelled).encode(), secrets) != [], "the search finds what is there"


@requirement("VLT-04")
@pytest.mark.parametrize("how", ["raw", "hex", "base64", "base64 inside of more", "percent", "json"])
def test_the_search_finds_a_secret_in_each_spelling(how: str) -> None:
    import base64

    secret = bytes(range(200, 232))
    hidden = {
        "raw": secret, "hex": secret.hex().encode(), "base64": base64.urlsafe_b64encode(secret).rstrip(b"="),
        "base64 inside of more": base64.b64encode(b"ab" + secret + b"c"), "percent": quote(secret).encode(),
        "json": json.dumps(secret.decode("latin-1")).encode(),
    }[how]  # fmt: skip
    assert search(b"before" + hidden + b"after", {"it": secret}) == ["it"]
    assert search(b"before after", {"it": secret}) == []


def sealed_values_open(scene: Scene, key: bytes) -> list[str]:
    """What of the user's rows opens with a key: the connection's values, the kept answer, the duties of jobs."""
    connection, opened = scene.connection, []
    place = recovery_item_key(scene.connection_id)
    recovery = scene.stack.deployment.store.read(place).get(place)
    tries: dict[str, Any] = {
        name: lambda name=name: open_value(
            key, getattr(connection, f"sealed_{name}"), name, place=encryption_context_of(connection)
        )
        for name in ("access_token", "refresh_token", "previous", "profile")
        if getattr(connection, f"sealed_{name}")
    }
    if recovery is not None and recovery.sealed:
        tries["answer"] = lambda: open_answer(key, recovery, owner=connection)
    for job in scene.jobs:
        tries[f"job {job.job_id}"] = lambda job=job: open_payload(key, job)
    for name, attempt in tries.items():
        try:
            attempt()
        except DecryptionFailed:
            continue
        opened.append(name)
    return opened


@requirement("VLT-04", "VLT-09")
def test_erasing_a_users_key_makes_every_row_and_every_earlier_backup_unreadable(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    stack, bob = scene.stack, start_session(scene.stack, who="bob", client=(scene.session.client, None))
    scene.expire()
    assert scene.asks() == "token"
    scene.provider.faults.at, scene.provider.faults.status = frozenset({"revoke"}), 503
    scene.sign_in_again()
    key, sub = scene.user_key(), scene.connection.sub
    backup = read_tables(stack)
    assert {"access_token", "refresh_token", "profile"} <= set(sealed_values_open(scene, key))
    place = {"pk": {"S": user_key_item_key(sub).pk}, "sk": {"S": "#"}}
    stack.deployment.dynamodb.call("DeleteItem", {"TableName": stack.settings.keys_table, "Key": place})
    assert not any(sub in str(item) for item in read_tables(stack)[stack.settings.keys_table])
    for state in ("as it stands", "restored from the backup"):
        if state != "as it stands":
            restore_table(stack, backup, stack.settings.table)  # the other table has no backup
            scene.new_process()
        assert refusal(scene.session.exchange()) == (400, "invalid_target"), state
        assert set(scene.session.userinfo().json) == {"sub"}, state
        vault = stack.broker.keys.get("vault")
        others = [open_user_key(vault, read(stack, user_key_item_key(bob.claims["sub"])).sealed, sub=bob.claims["sub"])]
        others += [each.secret for each in vault.versions.values()]
        others += [
            each.secret for purpose in get_args(Purpose) for each in stack.broker.keys.get(purpose).versions.values()
        ]
        assert [sealed_values_open(scene, other[:32]) for other in others] == [[]] * len(others), state
    assert bob.exchange().status == 200, "nobody else has lost anything"
    again = start_session(stack, client=(scene.session.client, None))
    assert again.claims["sub"] == sub and again.exchange().status == 200, (
        "a sign-in begins anew, under a key of its own"
    )


@requirement("VLT-04")
def test_a_row_put_back_to_an_earlier_version_does_not_open_beside_later_ones(make_scene: Any) -> None:
    scene: Scene = make_scene("ask")
    older = scene.connection
    scene.expire()
    assert scene.asks() == "token"
    newer = scene.connection
    for name in ("access_token", "refresh_token", "profile"):
        key, field = scene.user_key(), f"sealed_{name}"
        with pytest.raises(DecryptionFailed):
            open_value(key, getattr(older, field), name, place=encryption_context_of(newer))  # type: ignore[arg-type]
        with pytest.raises(DecryptionFailed):
            open_value(key, getattr(newer, field), name, place=encryption_context_of(older))  # type: ignore[arg-type]
