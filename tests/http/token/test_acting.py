"""Clients that act for an app (RFC 8693 section 4): who may, at what, how long, and what ends it."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.records.item_keys import client_item_key, grant_item_key
from tests.kit.http.acting import APIS, BOOKS, ORDERS, TOOLS, Acted, Service, start_acting, start_service
from tests.kit.http.browser import FORM, request
from tests.kit.http.fault_line import EVERY_TRY, fail_next
from tests.kit.http.stack import ACCESS_TOKEN, Stack
from tests.kit.http.tokens import CONFIDENTIAL, audits, change, events, mark, read, read_claims, refusal, sign
from tests.kit.requirement import requirement

INVALID = (400, "invalid_request")


@pytest.fixture
def acted(stack: Stack) -> Acted:
    return start_acting(stack)


def reason(stack: Stack) -> str:
    """Why the last request was refused."""
    return str(events(stack, "refused")[-1]["reason"])


def act(service: Service, subject: str, *more: Any, **changed: Any) -> str:
    """A token to act with."""
    answer = service.act(subject, *more, **changed)
    assert answer.status == 200, (answer.body, service.stack.log.getvalue()[-600:])
    return str(answer.json["access_token"])


@requirement("XCH-05", "XCH-03")
def test_who_acts_gets_a_token_for_one_api_in_the_name_of_the_user(stack: Stack, acted: Acted) -> None:
    answer = acted.tools.act(acted.shown, scope="orders:read")
    assert answer.json.keys() == {"access_token", "issued_token_type", "token_type", "expires_in", "scope"}
    assert (answer.json["issued_token_type"], answer.json["scope"]) == (ACCESS_TOKEN, "orders:read")
    claims, app = read_claims(answer.json["access_token"]), acted.session.claims
    assert (claims["aud"], claims["scope"], claims["sub"]) == (ORDERS, "orders:read", app["sub"])
    assert claims["client_id"] == acted.tools.client.client_id, "who asked for it (RFC 8693 section 4.3)"
    assert claims["act"] == {"sub": acted.tools.client.client_id}
    assert claims["grant_client_id"] == app["client_id"]
    assert not {"connections", "cnf", "may_act"} & claims.keys()


@requirement("XCH-05", "INT-02")
def test_the_api_is_told_who_acts_and_nobody_else_is_told_anything(stack: Stack, acted: Acted) -> None:
    token = act(acted.tools, acted.shown)
    told = acted.orders.introspect(token)
    assert told["active"] is True and told["act"] == {"sub": acted.tools.client.client_id}
    assert (told["sub"], told["client_id"]) == (acted.session.claims["sub"], acted.tools.client.client_id)
    headers = {"Accept": "application/token-introspection+jwt"}
    signed = stack.post("/introspect", acted.orders.client, acted.orders.secret, token=token, headers=headers)
    assert read_claims(signed.body)["token_introspection"] == told
    assert acted.tools.introspect(token) == told, "it is the acting client's own token"
    other = stack.client(**CONFIDENTIAL)
    assert stack.post("/introspect", *other, token=token).json == {"active": False}


@requirement("XCH-05")
def test_a_chain_names_everybody_and_is_three_long_at_most(acted: Acted) -> None:
    tools, orders = acted.tools.client.client_id, acted.orders.client.client_id
    token = act(acted.orders, act(acted.tools, acted.shown), BOOKS)
    assert read_claims(token)["act"] == {"sub": orders, "act": {"sub": tools}}
    third = act(acted.orders, token, BOOKS)
    assert read_claims(third)["act"] == {"sub": orders, "act": {"sub": orders, "act": {"sub": tools}}}
    assert acted.orders.introspect(third)["act"] == read_claims(third)["act"]
    assert refusal(acted.orders.act(third, BOOKS)) == INVALID
    assert reason(acted.session.stack) == "too_many_actors"


@requirement("XCH-05")
def test_nobody_acts_whom_the_operator_has_not_named(stack: Stack, acted: Acted) -> None:
    shown = acted.shown
    acted.allow(acted.orders)
    assert refusal(acted.tools.act(shown)) == INVALID and reason(stack) == "actor_not_allowed"
    stranger = start_service(stack, serves=frozenset({TOOLS}), resources=APIS)
    assert refusal(stranger.act(shown)) == INVALID and reason(stack) == "actor_not_allowed"
    alone = {"actor_token": None, "actor_token_type": None}
    acted.allow(acted.tools)
    for token in (shown, acted.session.access):
        assert refusal(acted.tools.act(token, **alone)) == INVALID, "without saying that it acts"
    assert acted.tools.act(shown).status == 200


@requirement("XCH-05", "XCH-02")
def test_the_actor_token_is_the_callers_own_and_for_itself_and_good_now(stack: Stack, acted: Acted) -> None:
    shown, own = acted.shown, acted.tools.own_token()
    another, user = acted.orders.own_token(), acted.session.access
    for_an_api = acted.tools.own_token(resource=ORDERS)
    forged = own[:-8] + "AAAAAAAA"
    for actor in (another, user, shown, for_an_api, forged, "x"):
        assert refusal(acted.tools.act(shown, actor=actor)) == INVALID
    assert acted.tools.act(shown, actor=own).status == 200
    stack.post("/revoke", acted.tools.client, acted.tools.secret, token=own)
    assert refusal(acted.tools.act(shown, actor=own)) == INVALID and reason(stack) == "actor_token_revoked"
    mine = acted.tools.own_token()
    mark(stack, client_item_key(acted.tools.client.client_id))
    assert refusal(acted.tools.act(shown, actor=mine)) == INVALID and reason(stack) == "actor_client_over"


@requirement("XCH-05", "XCH-02")
def test_the_subject_token_is_a_users_and_was_for_us_or_shown_to_who_acts(stack: Stack, acted: Acted) -> None:
    assert acted.tools.act(acted.session.access).status == 200, "an app may show the one for us, if it trusts so far"
    for_orders = acted.narrow(resource=ORDERS).json["access_token"]
    assert refusal(acted.tools.act(for_orders)) == INVALID and reason(stack) == "subject_audience_wrong"
    for subject in (acted.tools.own_token(), acted.orders.own_token(), "x"):
        assert refusal(acted.tools.act(subject)) == INVALID
    shown = acted.shown
    stack.post("/revoke", acted.session.client, token=shown)
    assert refusal(acted.tools.act(shown)) == INVALID and reason(stack) == "subject_token_revoked"
    shown = acted.shown
    change(stack, client_item_key(acted.session.client.client_id), resources=APIS - {TOOLS})
    assert refusal(acted.tools.act(shown)) == INVALID and reason(stack) == "subject_resource_taken_back"


@requirement("XCH-05")
def test_what_is_asked_for_otherwise_is_refused(acted: Acted) -> None:
    urn, shown, actor = "urn:ietf:params:oauth:token-type:", acted.shown, acted.tools.own_token()
    changes: dict[str, list[dict[str, str | None]]] = {
        "invalid_request": [
            {"actor_token_type": None},
            {"actor_token": None},
            {"actor_token_type": f"{urn}jwt"},
            {"subject_token_type": f"{urn}id_token"},
            {"requested_token_type": f"{urn}refresh_token"},
        ],
        "invalid_target": [
            {"resource": None},
            {"resource": None, "audience": "demo"},
            {"audience": "demo"},
            {"resource": TOOLS},
            {"resource": BOOKS},
        ],
        "invalid_scope": [{"scope": "openid"}, {"scope": "orders:read demo:notes:read"}],
    }
    for error, each in changes.items():
        for changed in each:
            for subject in (shown, acted.session.access):
                told = {"actor_token": actor, **changed}
                assert refusal(acted.tools.act(subject, **told)) == (400, error), changed


@requirement("XCH-05", "VLT-12")
def test_never_for_the_broker_itself(stack: Stack, acted: Acted) -> None:
    """Not even for a client that would get everything: hand-outs, registered for the issuer, and a token for us."""
    change(
        stack,
        client_item_key(acted.tools.client.client_id),
        handout="token",
        scopes=frozenset(acted.session.client.scopes),
        resources=APIS | {stack.settings.issuer},
    )
    for wanted in ({"resource": stack.settings.issuer}, {"resource": None}, {"resource": None, "audience": "demo"}):
        answer = acted.tools.act(acted.session.access, **wanted)
        assert refusal(answer) == (400, "invalid_target") and reason(stack) == "actor_without_an_api"


@requirement("XCH-05", "VLT-12")
def test_a_token_to_act_with_opens_nothing_of_ours(stack: Stack, acted: Acted) -> None:
    token, issuer = act(acted.tools, acted.session.access), stack.settings.issuer
    check_opens_nothing(stack, acted, token)
    claims = {**acted.session.claims, **read_claims(token), "aud": issuer, "scope": acted.session.claims["scope"]}
    for_us = sign(stack, claims)
    assert start_service(stack, serves=frozenset({issuer})).introspect(for_us) == {"active": False}
    check_opens_nothing(stack, acted, for_us)


def check_opens_nothing(stack: Stack, acted: Acted, token: str) -> None:
    """No endpoint of ours takes it, and no exchange but one with an actor."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": FORM}
    for method, path in (
        ("GET", "/userinfo"),
        ("GET", "/connections"),
        ("DELETE", "/connections"),
        ("GET", "/proxy/demo/notes"),
        ("POST", "/connect"),
    ):
        body = "provider=demo&redirect_uri=https://app.example/callback" if method == "POST" else None
        answer = request(stack.netloc, method, path, body=body, headers=headers)
        assert refusal(answer) == (401, "invalid_token"), path
    for exchanged in ({}, {"audience": None, "resource": ORDERS}):
        assert refusal(acted.session.exchange(token, **exchanged)) == INVALID
        alone = {"actor_token": None, "actor_token_type": None, "resource": None, "audience": "demo", **exchanged}
        assert acted.tools.act(token, **alone).status == 400


@requirement("XCH-05", "XCH-03")
def test_never_more_scope_than_the_subject_token_or_the_actor_has(stack: Stack, acted: Acted) -> None:
    little = acted.narrow(scope="orders:read").json["access_token"]
    assert refusal(acted.tools.act(little, scope="orders:write")) == (400, "invalid_scope")
    assert acted.tools.act(little).json["scope"] == "orders:read"
    place = client_item_key(acted.tools.client.client_id)
    change(stack, place, scopes=frozenset({"orders:write"}))
    stack.restart()
    assert acted.tools.act(acted.shown).json["scope"] == "orders:write", "all that both have"
    for more in ("orders:read", "orders:read orders:write"):
        assert refusal(acted.tools.act(acted.shown, scope=more)) == (400, "invalid_scope")
    token = act(acted.tools, acted.shown)
    change(stack, place, scopes=frozenset())
    assert acted.orders.introspect(token)["scope"] == "", "nor later"


@requirement("XCH-05", "XCH-03")
def test_it_ends_with_the_first_of_the_two_tokens(stack: Stack, acted: Acted) -> None:
    actor = acted.tools.own_token()
    stack.clock.advance(200)
    younger = acted.session.refresh(resource=stack.settings.issuer).json["access_token"]
    shown = acted.narrow(subject_token=younger).json["access_token"]
    ended_by_actor = acted.tools.act(shown, actor=actor).json
    assert read_claims(ended_by_actor["access_token"])["exp"] == read_claims(actor)["exp"]
    assert ended_by_actor["expires_in"] == 400
    stack.clock.advance(100)
    assert read_claims(act(acted.tools, shown))["exp"] == read_claims(shown)["exp"]


@requirement("XCH-05", "INT-02")
def test_what_the_operator_ends_ends_the_whole_chain_at_the_next_look(stack: Stack, acted: Acted) -> None:
    app, tools = client_item_key(acted.session.client.client_id), client_item_key(acted.tools.client.client_id)
    first = act(acted.tools, acted.shown)
    chain = (first, act(acted.orders, first, BOOKS))
    ends: dict[str, tuple[Any, Callable[[], Any]]] = {
        "the consent": (acted.session.consent_place(), lambda: mark(stack, acted.session.consent_place())),
        "the app": (app, lambda: mark(stack, app, disabled=True)),
        "who acted is off": (tools, lambda: mark(stack, tools, disabled=True)),
        "who acted was ended": (tools, lambda: mark(stack, tools)),
        "who acted is gone": (tools, lambda: stack.deployment.delete(tools)),
        "who acted may no more": (app, lambda: acted.allow(acted.orders)),
    }
    for what, (place, end) in ends.items():
        kept = read(stack, place)
        assert all(acted.orders.introspect(token)["active"] for token in chain), what
        end()
        assert [acted.orders.introspect(token) for token in chain] == [{"active": False}] * 2, what
        stack.deployment.put(place, kept)


@requirement("XCH-05", "XCH-06", "REV-03")
def test_what_is_revoked_ends_all_that_came_of_it(stack: Stack, acted: Acted) -> None:
    """The app's own token, the one that it showed, the actor's; and at last the grant."""
    app, tools = (acted.session.client, None), (acted.tools.client, acted.tools.secret)
    access = acted.session.access
    for revoked in ("what was shown", "the actor's", "what that came from", "the grant"):
        if revoked == "the grant":
            access = acted.session.refresh(resource=stack.settings.issuer).json["access_token"]
        shown, actor = acted.narrow(subject_token=access).json["access_token"], acted.tools.own_token()
        first = act(acted.tools, shown, actor=actor)
        chain = (first, act(acted.orders, first, BOOKS))
        assert all(acted.orders.introspect(token)["active"] for token in chain)
        who, token = {
            "what was shown": (app, shown),
            "the actor's": (tools, actor),
            "what that came from": (app, access),
            "the grant": (app, str(acted.session.refresh_token)),
        }[revoked]
        assert stack.post("/revoke", *who, token=token).status == 200
        assert [acted.orders.introspect(token) for token in chain] == [{"active": False}] * 2, revoked


@requirement("XCH-05", "INT-02")
def test_an_api_taken_from_who_acts_or_for_whom_ends_it_there(stack: Stack, acted: Acted) -> None:
    token = act(acted.tools, acted.shown)
    for client in (acted.tools.client, acted.session.client):
        change(stack, client_item_key(client.client_id), resources=client.resources - {ORDERS})
        assert acted.orders.introspect(token) == {"active": False}
        stack.restart()
        assert refusal(acted.tools.act(acted.shown)) == (400, "invalid_target")
        change(stack, client_item_key(client.client_id), resources=client.resources)
        assert acted.orders.introspect(token)["active"] is True
    change(stack, grant_item_key(acted.session.claims["grant_id"]), resources=(TOOLS,))
    stack.restart()
    assert refusal(acted.tools.act(acted.shown)) == (400, "invalid_target"), "nor one that the user has not allowed"


@requirement("XCH-05")
def test_who_may_act_by_the_token_is_who_may(stack: Stack, acted: Acted) -> None:
    """Nothing of ours writes may_act yet; a token that has it is held to it, and so is what comes of it."""
    tools, issuer = acted.tools.client.client_id, stack.settings.issuer
    shown = read_claims(acted.shown)
    for good in ({"sub": tools}, {"client_id": tools}, {"sub": tools, "iss": issuer, "client_id": tools}):
        for base in (shown, acted.session.claims):
            token = act(acted.tools, sign(stack, {**base, "may_act": good}))
            assert read_claims(token)["may_act"] == good
        assert acted.orders.introspect(token)["may_act"] == good
        assert refusal(acted.orders.act(token, BOOKS)) == INVALID and reason(stack) == "may_act_names_another"
    other = {"sub": acted.orders.client.client_id}
    for bad in (other, {}, None, [], tools, {"iss": issuer}, {"sub": tools, "iss": "x"}, {"sub": tools, "role": "x"},
                {"sub": [tools]}, {"sub": tools, "client_id": other["sub"]}):  # fmt: skip
        assert refusal(acted.tools.act(sign(stack, {**shown, "may_act": bad}))) == INVALID, bad
    assert refusal(acted.narrow(subject_token=sign(stack, {**acted.session.claims, "may_act": other}))) == INVALID


@requirement("XCH-05", "XCH-03")
def test_a_chain_that_is_spelled_in_another_way_opens_nothing(stack: Stack, acted: Acted) -> None:
    token = read_claims(act(acted.tools, acted.shown))
    tools = token["client_id"]
    four = {"sub": tools, "act": {"sub": tools, "act": {"sub": tools, "act": {"sub": tools}}}}
    for changed in (
        *({"act": one} for one in (None, {}, [], "x", {"sub": 1}, {"sub": tools, "iss": "x"}, {"sub": "x"}, four)),
        *({"act": {"sub": tools, "act": one}} for one in (None, [], {"sub": tools, "iss": "x"}, {"sub": "0" * 32})),
        *({"grant_client_id": one} for one in (None, 1, [], tools, "0" * 32)),
        *({"client_id": one} for one in (token["grant_client_id"], acted.orders.client.client_id)),
        *({"derived_from": one} for one in (None, "x", [1], [""], {})),
        *({"authorization_details": []},),
    ):
        told = sign(stack, {**token, **changed})
        assert acted.orders.introspect(told) == {"active": False}, changed
        assert refusal(acted.orders.act(told, BOOKS)) == INVALID, changed
    for missing in ("act", "grant_client_id"):
        told = sign(stack, {name: value for name, value in token.items() if name != missing})
        assert acted.orders.introspect(told) == {"active": False}, missing
    alone = read_claims(acted.tools.own_token())
    told = sign(stack, {**alone, "aud": ORDERS, "act": {"sub": tools}, "grant_client_id": tools})
    assert acted.orders.introspect(told) == {"active": False}, "nobody acts for a client that acts for itself"
    assert acted.orders.introspect(sign(stack, token))["active"] is True


@requirement("XCH-05")
def test_only_who_proves_itself_acts(stack: Stack, acted: Acted) -> None:
    actor = acted.tools.own_token()
    place = client_item_key(acted.tools.client.client_id)
    change(stack, place, token_endpoint_auth_method="none", secrets=())
    stack.restart()
    public = Service(stack, read(stack, place), None)
    assert refusal(public.act(acted.shown, actor=actor)) == (400, "unauthorized_client")


@requirement("XCH-05", "VLT-05")
def test_who_acted_for_whom_is_on_record_before_it_is_answered(stack: Stack, acted: Acted) -> None:
    shown, actor, before = acted.shown, acted.tools.own_token(), len(stack.dynamodb.calls)
    act(acted.tools, shown, actor=actor)
    assert [operation for operation, _ in stack.dynamodb.calls[before:]] == ["BatchGetItem", "PutItem"]
    (item,) = audits(stack)
    told = {name: item[name].get("S") for name in ("event", "client_id", "actor_id", "audience", "grant_id")}
    told["sub"] = item["pk"]["S"].removeprefix("AUDIT#")
    claims = acted.session.claims
    assert told == {
        "event": "acted",
        "sub": claims["sub"],
        "client_id": claims["client_id"],
        "actor_id": acted.tools.client.client_id,
        "audience": ORDERS,
        "grant_id": claims["grant_id"],
    }
    (line,) = events(stack, "acted")
    assert (line["actor_id"], line["client_id"]) == (told["actor_id"], told["client_id"])
    assert refusal(acted.tools.act(shown, scope="openid")) == (400, "invalid_scope") and len(audits(stack)) == 1


@requirement("XCH-05", "PAIR-01")
def test_who_acts_knows_the_user_by_the_apps_name(stack: Stack) -> None:
    acted = start_acting(stack, subject_type="pairwise", sector="app.example")
    first = act(acted.tools, acted.shown)
    second = act(acted.orders, first, BOOKS)
    for token in (first, second):
        assert read_claims(token)["sub"] == acted.session.claims["sub"]
        assert acted.orders.introspect(token)["sub"] == acted.session.claims["sub"]


@requirement("XCH-05", "REV-01")
def test_who_acts_ends_its_own_token_and_nobody_elses(stack: Stack, acted: Acted) -> None:
    token = act(acted.tools, acted.shown)
    stack.post("/revoke", acted.orders.client, acted.orders.secret, token=token)
    assert acted.orders.introspect(token)["active"] is True
    stack.post("/revoke", acted.tools.client, acted.tools.secret, token=token)
    assert acted.orders.introspect(token) == {"active": False}


@requirement("XCH-05", "VLT-05", "GEN-13")
def test_nobody_acts_off_the_record(stack: Stack, acted: Acted) -> None:
    shown, actor = acted.shown, acted.tools.own_token()
    assert acted.tools.act(shown, actor=actor).status == 200
    for operation in ("BatchGetItem", "PutItem"):
        fail_next(stack, operation, "B", EVERY_TRY)
        answer = acted.tools.act(shown, actor=actor)
        assert refusal(answer) == (503, "temporarily_unavailable") and "access_token" not in answer.body
    stack.restart()
    assert acted.tools.act(shown, actor=actor).status == 200 and len(audits(stack)) == 2
