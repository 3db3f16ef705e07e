"""Pairwise subjects (OpenID Connect Core section 8): what an app sees of its user, and that all else goes on."""

import json
from typing import Any

import pytest

from chalicelib.records.item_keys import client_item_key, grant_item_key
from cli.deployment.operations import OperationError
from cli.main import build_parser
from tests.kit.http.browser import request
from tests.kit.http.device import start_device
from tests.kit.http.stack import Stack
from tests.kit.http.surface import JSON
from tests.kit.http.tokens import CONFIDENTIAL, Session, read, read_claims, sign, start_session
from tests.kit.logout.backchannel_app import App, app, jobs, leave, run, wired
from tests.kit.logout.browser_logout import BYE, is_signed_in, log_out
from tests.kit.requirement import requirement

__all__ = ["app", "wired"]
PAIRWISE = {"subject_type": "pairwise", "sector": "app.example"}


def shown(session: Session) -> set[str]:
    """Every name of the user that this app and its APIs are told."""
    stack = session.stack
    asker = stack.client(**CONFIDENTIAL, serves=frozenset({stack.settings.issuer}))
    said = stack.post("/introspect", *asker, token=session.access).json
    assert said["active"] is True
    renewed = session.refresh().json
    return {
        session.claims["sub"], read_claims(session.tokens["id_token"])["sub"], session.userinfo().json["sub"],
        said["sub"], read_claims(renewed["access_token"])["sub"], read_claims(renewed["id_token"])["sub"],
    }  # fmt: skip


@requirement("PAIR-01")
def test_an_app_sees_one_name_of_its_user_and_apps_elsewhere_another(stack: Stack) -> None:
    public, here = start_session(stack), start_session(stack, **PAIRWISE)
    there = start_session(stack, subject_type="pairwise", sector="other.example")
    beside, alone = start_session(stack, **PAIRWISE), start_session(stack, subject_type="pairwise")
    bob = start_session(stack, who="bob", client=(here.client, None))
    names = [shown(one) for one in (public, here, there, beside, alone, bob)]
    assert all(len(one) == 1 for one in names), names
    assert names[3] == names[1] and len(set.union(*names)) == 5
    again = start_session(stack, client=(here.client, None))
    assert shown(again) == names[1]


@requirement("PAIR-01")
def test_our_own_name_of_the_user_stands_nowhere_in_what_the_app_gets(stack: Stack) -> None:
    own = start_session(stack).claims["sub"]
    session = start_session(stack, **PAIRWISE)
    listed = request(stack.netloc, "GET", "/connections", headers={"Authorization": f"Bearer {session.access}"})
    texts = [json.dumps(session.tokens), json.dumps(session.claims), session.userinfo().body, listed.body,
             session.exchange().body, json.dumps(read_claims(session.tokens["id_token"]))]  # fmt: skip
    assert not [text for text in texts if own in text]
    assert read(stack, grant_item_key(session.claims["grant_id"])).sub == own


@requirement("PAIR-02")
def test_everything_that_a_token_opens_goes_on(stack: Stack) -> None:
    session = start_session(stack, **PAIRWISE)
    bearer = {"Authorization": f"Bearer {session.access}"}
    assert session.userinfo().json["email"] and session.exchange().status == 200 and session.refresh().status == 200
    assert len(request(stack.netloc, "GET", "/connections", headers=bearer).json["connections"]) == 1
    assert stack.post("/revoke", session.client, token=session.access).status == 200
    assert session.userinfo().status == 401
    assert is_signed_in(stack, session)


@requirement("PAIR-02")
def test_a_device_of_a_pairwise_client(stack: Stack) -> None:
    own = start_session(stack).claims["sub"]
    device = start_device(stack, **PAIRWISE)
    device.approve()
    tokens = device.poll().json
    assert stack.userinfo(tokens["access_token"]).json["sub"] == read_claims(tokens["id_token"])["sub"] != own


@requirement("PAIR-02")
def test_a_name_without_its_seal_opens_nothing(stack: Stack) -> None:
    """What only a fault of ours, or whoever holds the signing key alone, could write."""
    alice, bob = start_session(stack, **PAIRWISE), start_session(stack, who="bob", **PAIRWISE)
    assert stack.userinfo(sign(stack, alice.claims)).status == 200
    wrong = [
        {**alice.claims, "sealed_sub": bob.claims["sealed_sub"]},
        {**alice.claims, "sub": bob.claims["sub"]},
        {**alice.claims, "client_id": bob.claims["client_id"]},
        {**alice.claims, "sealed_sub": "x"},
        {**alice.claims, "sealed_sub": None},
        {name: value for name, value in alice.claims.items() if name != "sealed_sub"},
    ]
    assert [stack.userinfo(sign(stack, claims)).status for claims in wrong] == [401] * len(wrong)


@requirement("PAIR-01", "OUT-01", "OUT-05")
def test_signing_out_knows_the_user_by_the_apps_name(wired: Stack, app: App) -> None:
    fields = {**PAIRWISE, "backchannel_logout_uri": app.uri(), "post_logout_redirect_uris": (BYE,)}
    session, bob = start_session(wired, **fields), start_session(wired, who="bob", **fields)
    name = read_claims(session.tokens["id_token"])["sub"]
    foreign = log_out(session.sign_in.browser, id_token_hint=bob.tokens["id_token"])
    assert "Sign out?" in foreign.body
    leave(session)
    run(wired)
    (told,) = app.tokens(wired)
    assert told["sub"] == name and jobs(wired) == []
    wired.redeem(wired.sign_in(session.client, browser=session.sign_in.browser))
    options = build_parser().parse_args(["user", "sign-out", session.grant().sub])
    options.act(wired.deployment, options)
    wired.clock.advance(60)
    run(wired)
    assert [one["sub"] for one in app.tokens(wired)] == [name, name]


@requirement("PAIR-01", "SESS-02")
def test_an_app_names_who_is_to_sign_in_by_its_own_name(stack: Stack) -> None:
    session = start_session(stack, **PAIRWISE)
    bob = start_session(stack, who="bob", client=(session.client, None))
    browser = session.sign_in.browser
    for hint, wanted in ((session.tokens["id_token"], "code"), (bob.tokens["id_token"], "error")):
        asked = stack.authorize_parameters(session.client, prompt="none", id_token_hint=hint)
        assert wanted in stack.authorize(asked, browser).answered, wanted
    again = stack.sign_in(session.client, id_token_hint=session.tokens["id_token"])
    assert "code" in again.answer.answered
    other = stack.sign_in(session.client, who="bob", id_token_hint=session.tokens["id_token"])
    assert other.answer.answered["error"] == "login_required"


@requirement("PAIR-03")
def test_who_registers_alone_shares_names_with_nobody_but_its_own_host(make_stack: Any) -> None:
    stack = make_stack(registration="open")

    def register(*uris: str, **more: object) -> Any:
        document = {"redirect_uris": uris, "token_endpoint_auth_method": "none", "subject_type": "pairwise", **more}
        return request(stack.netloc, "POST", "/register", body=json.dumps(document), headers={"Content-Type": JSON})

    def name_of(client_id: str) -> str:
        tokens = stack.redeem(stack.sign_in(read(stack, client_item_key(client_id)), scope="openid")).json
        return str(read_claims(tokens["id_token"])["sub"])

    first, second = (register("https://app.example/callback").json for _ in range(2))
    assert first["subject_type"] == "pairwise"
    names = [name_of(one["client_id"]) for one in (first, second)]
    operators = start_session(stack, **PAIRWISE).claims["sub"]
    assert names[0] == names[1] != operators
    several = register("https://app.example/callback", "https://other.example/callback")
    assert (several.status, several.json["error"]) == (400, "invalid_client_metadata")
    for wrong in ({"subject_type": "private"}, {"subject_type": 1}, {"sector_identifier_uri": "https://app.example/s"}):
        assert register("https://app.example/callback", **wrong).status == 400, wrong
    assert register("https://app.example/callback", subject_type="public").json["subject_type"] == "public"


@requirement("PAIR-03", "OPS-01")
def test_the_operator_says_which_apps_belong_together(stack: Stack) -> None:
    def create(*words: str) -> Any:
        options = build_parser().parse_args(["client", "create", "--name", "App", *words])
        return options.act(stack.deployment, options)

    one = ("--redirect-uri", "https://app.example/callback")
    two = (*one, "--redirect-uri", "https://other.example/callback")
    pairwise, sector = ("--subject-type", "pairwise"), ("--sector-identifier-uri", "https://together.example/list.json")
    assert create(*one)["subject_type"] == "public"
    assert create(*one, *pairwise)["sector"] == "app.example"
    assert create(*two, *pairwise, *sector)["sector"] == "together.example"
    assert create("--native", "--redirect-uri", "com.example.app:/cb", *pairwise)["sector"] == ""
    for wrong in (
        (*two, *pairwise),
        (*one, *sector),
        (*one, *pairwise, "--sector-identifier-uri", "http://x.example/"),
    ):
        with pytest.raises(OperationError):
            create(*wrong)


@requirement("PAIR-01", "META-02")
def test_both_kinds_are_advertised(stack: Stack) -> None:
    known = stack.get("/.well-known/openid-configuration").json
    assert known["subject_types_supported"] == ["public", "pairwise"]
