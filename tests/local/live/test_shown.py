"""What the live view shows of a whole life of the demo."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import asdict

from chalicelib.adapters.aws.signed_transport import SignedTransport
from local.demo.demo_stack import DemoStack
from local.demo.live_view.server import LiveServer
from local.demo.live_view.visit import Visit
from local.live.curl import show_script
from local.live.details import parameters_of
from local.live.exchange import Exchange
from local.live.mermaid import show_mermaid
from local.live.words import find_parameter, find_title, read_words
from tests.kit.requirement import requirement
from tests.local.live.shown_exchange import Opened, find

SOURCE = re.compile(
    r"RFC \d{4}( section \d[\d.]*)?|OpenID Connect [\w -]+ section [\d.]+|Content Security Policy|Referrer Policy"
    r"|Fetch, .+|docs/[a-z0-9-]+\.md"
)
SECRETS = {"code", "code_verifier", "state", "request", "token", "subject_token", "registration_access_token"}
SECRETS |= {"access_token", "refresh_token", "id_token"}


@requirement("LIVE-01")
def test_each_step_and_each_parameter_that_occurs_is_explained(toured: list[Exchange], opened: Opened) -> None:
    unsaid = {
        (name, exchange.method, exchange.path)
        for exchange in toured
        for _, name, _ in parameters_of(exchange)
        if find_parameter(name, exchange) is None
    }
    claims = {
        claim["name"]
        for exchange in toured
        for token in opened(exchange)["tokens"]
        for claim in (*token["header"], *token["claims"])
        if not claim["says"]
    }
    assert unsaid == set() and claims == set()
    assert [exchange.path for exchange in toured if not find_title(exchange)] == []
    assert {lane for one in toured for lane in (one.caller, one.callee)} == {"browser", "app", "broker", "provider"}


@requirement("LIVE-01")
def test_each_word_says_from_what_it_protects_and_where_that_stands() -> None:
    words = read_words()
    for name, word in {**words.parameters, **words.headers}.items():
        assert all(asdict(word).values()), name
        assert SOURCE.fullmatch(word.source), (name, word.source)
        assert word.says.endswith(".") and word.protects.endswith("."), name
        assert word.link or word.source.startswith("docs/"), name


@requirement("LIVE-02")
def test_no_secret_is_shown(toured: list[Exchange], opened: Opened, live: LiveServer) -> None:
    shown = json.dumps([{**opened(one), "pkce": None} for one in toured], ensure_ascii=False)
    exported = show_mermaid(toured) + show_script(toured)
    found = {secret for secret in _secrets(toured) if len(secret) > 20}
    assert len(found) > 25
    for secret in found:
        assert secret not in exported and secret not in shown, secret[:12]


def _secrets(exchanges: list[Exchange]) -> Iterator[str]:
    """Whatever opens something: tokens, codes, verifiers, states, secrets, cookies, sealed forms and links."""
    for one in exchanges:
        told = {**one.request.document, **one.answer.document, **one.sent}
        yield from (value for name, value in told.items() if name in SECRETS and len(value) > 20)
        yield from (link.rpartition("/")[2] for name, link in told.items() if name == "connect_uri")
        yield from re.findall(r"[?&](?:code|state)=([^&]{20,})", one.leads_to)
        yield from (
            (one.request.header("authorization").partition(" ")[2],) if one.request.header("authorization") else ()
        )
        for name, value in (*one.request.headers, *one.answer.headers):
            if name in ("cookie", "set-cookie"):
                yield from (crumb.partition("=")[2] for crumb in value.partition("; Path")[0].split("; "))


@requirement("LIVE-03")
def test_pkce_is_computed_from_what_was_sent(toured: list[Exchange], opened: Opened) -> None:
    asked, redeemed = find(toured, "broker", "/authorize"), find(toured, "broker", "/token", "authorization_code")
    shown = opened(redeemed)["pkce"]
    digest = hashlib.sha256(redeemed.sent["code_verifier"].encode()).digest()
    assert shown["digest"] == digest.hex()
    assert shown["challenge"] == base64.urlsafe_b64encode(digest).decode().rstrip("=") == asked.sent["code_challenge"]
    assert shown["asked_in"] == asked.number
    assert opened(asked)["pkce"] == {"challenge": asked.sent["code_challenge"]}


@requirement("LIVE-02")
def test_only_a_spent_verifier_is_shown_whole(stack: DemoStack, live: LiveServer, opened: Opened) -> None:
    visit = Visit(stack)
    code = visit.finish(visit.allow())
    visit.asked["redirect_uri"] += "/"  # so the code is refused, and the verifier may still be good for something
    before = len(live.recorder.all())
    assert visit.redeem(code).status == 400
    shown = opened(live.recorder.all()[before])["pkce"]
    assert (
        not shown["spent"]
        and visit.verifier not in json.dumps(shown)
        and shown["verifier"].startswith(visit.verifier[:6])
    )


@requirement("LIVE-04")
def test_tokens_are_checked_with_the_keys_of_their_issuer(
    stack: DemoStack, toured: list[Exchange], live: LiveServer, opened: Opened
) -> None:
    shown = {token["name"]: token for token in opened(find(toured, "broker", "/token", "authorization_code"))["tokens"]}
    assert shown.keys() == {"access_token", "id_token"} and all(token["holds"] for token in shown.values())
    assert shown["id_token"]["keys"] == f"{stack.broker.issuer}/jwks"
    before = len(live.recorder.all())
    stack.provider.faults.wrong_key = True
    visit = Visit(stack)
    try:
        visit.finish(visit.allow())
    finally:
        stack.provider.faults.reset()
    flow = live.recorder.all()[before:]
    (token,) = (one for one in opened(find(flow, "provider", "/token"))["tokens"] if one["name"] == "id_token")
    assert not token["holds"] and token["fault"]
    refused = find(flow, "broker", "/callback/demo")
    assert refused.state == "failed"
    assert opened(refused)["refusal"]["path"][-1]["outcome"] == "refused"


@requirement("LIVE-05")
def test_items_are_shown_as_they_are_stored(
    stack: DemoStack, live: LiveServer, toured: list[Exchange], opened: Opened
) -> None:
    calls = opened(find(toured, "broker", "/callback/demo"))["aws"]
    written = {call["items"][0]["key"]: call["items"][0] for call in calls if call["operation"] == "PutItem"}
    (connection,) = (item for key, item in written.items() if key.startswith("CONNECTION#"))
    kinds = {row["name"]: row["kind"] for row in connection["attributes"]}
    assert "cipher text" in kinds.values()
    place = {"TableName": "broker", "Key": {"pk": {"S": connection["key"]}, "sk": {"S": "#"}}}
    stored = SignedTransport("dynamodb", endpoint_url=stack.broker.endpoint_url).call("GetItem", place)["Item"]
    assert kinds.keys() <= {*stored, "written_by"}
    for row in connection["attributes"]:
        if row["kind"] == "cipher text" and row["name"] in stored:
            assert row["value"].startswith(stored[row["name"]]["B"][:16].hex(" "))
    keys = [call for one in live.recorder.all() for call in opened(one)["aws"] if call["service"] == "KMS"]
    assert keys and all("bytes of key, which are shown nowhere" in call["plain"] for call in keys)
    assert all(call["condition"] for call in calls if call["operation"] in ("PutItem", "UpdateItem"))


@requirement("LIVE-06")
def test_another_flow_gives_another_picture(stack: DemoStack, live: LiveServer, opened: Opened) -> None:
    before = len(live.recorder.all())
    visit = Visit(stack)
    visit.finish(visit.allow("refuse"))
    flow = live.recorder.all()[before:]
    back = find(flow, "broker", "/callback/demo")
    assert back.state == "failed" and dict(back.query)["error"] == "access_denied"
    picture = show_mermaid(flow)
    assert "with error" in picture and "/token" not in picture
    assert [row["name"] for row in opened(back)["request"]["parameters"]] == [name for name, _ in back.query]
    sent = find(flow, "broker", "/authorize").sent
    told = {row["name"]: row["value"] for row in opened(find(flow, "broker", "/authorize"))["request"]["parameters"]}
    assert told.keys() == sent.keys() and told["nonce"] == sent["nonce"] and told["state"] != sent["state"]


@pytest.mark.parametrize("field", ["nonce", "scope"])
def test_what_the_app_sends_is_what_stands_there(
    stack: DemoStack, live: LiveServer, opened: Opened, field: str
) -> None:
    changed = {"nonce": "quite-another-nonce", "scope": "openid demo:notes:read"}[field]
    before = len(live.recorder.all())
    visit = Visit(stack)
    visit.asked[field] = changed
    visit.ask()
    asked: dict[str, Any] = opened(find(live.recorder.all()[before:], "broker", "/authorize"))
    assert {row["name"]: row["value"] for row in asked["request"]["parameters"]}[field] == changed
