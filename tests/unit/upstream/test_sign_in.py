"""A sign-in at a provider from end to end, and every way in which a provider can fail it."""

import pytest

from chalicelib.adapters.http.document_cache import RETRY_SECONDS
from chalicelib.upstream.callback import read_callback_error
from chalicelib.upstream.http import ProviderMisbehaved, ProviderRefused, ProviderUnavailable
from chalicelib.upstream.revocation import build_revocation_request, read_revocation_response
from chalicelib.upstream.token import build_refresh_request, read_token_response
from tests.kit.requirement import requirement

NOTES = frozenset({"notes:read"})
REFUSALS = (ProviderMisbehaved, ProviderRefused, ProviderUnavailable)


@requirement("CB-07", "CB-08", "CB-09")
def test_alice_signs_in_at_an_openid_provider(demo):
    tokens = demo.exchange(demo.authorize(NOTES), NOTES)
    identity = demo.identify(tokens)
    assert (identity.issuer, identity.subject) == (demo.provider.url, "demo-7f3a51")
    assert identity.profile["email"] == "alice@demo.example"
    assert identity.profile["email_verified"] is True
    assert tokens.granted >= NOTES
    assert tokens.refresh_token


@requirement("CB-09")
def test_alice_signs_in_with_the_profile_of_github(github):
    tokens = github.exchange(github.authorize(frozenset({"repo"})), frozenset({"repo"}))
    identity = github.identify(tokens)
    assert (identity.issuer, identity.subject) == ("https://github.com", "1001")
    assert identity.profile["preferred_username"] == "alice"
    assert identity.profile["email"] == "alice@demo.example"
    assert (tokens.expires_at, tokens.refresh_token, tokens.id_token) == (None, None, None)


@requirement("CB-09")
def test_two_users_are_two_subjects_at_one_issuer(demo):
    alice, bob = (demo.identify(demo.exchange(demo.authorize(decision=name))) for name in ("alice", "bob"))
    assert alice.issuer == bob.issuer
    assert alice.subject != bob.subject


@requirement("CB-09")
@pytest.mark.parametrize("fault", ["no_email", "unverified_email"])
def test_an_address_that_is_missing_or_unverified_changes_nobody(demo, github, fault):
    for us in (demo, github):
        before = us.identify(us.exchange(us.authorize()))
        setattr(us.provider.faults, fault, True)
        after = us.identify(us.exchange(us.authorize()))
        us.provider.faults.reset()
        assert (after.issuer, after.subject) == (before.issuer, before.subject)
        assert after.profile.get("email_verified", False) is False


@requirement("CB-05")
@pytest.mark.parametrize("fault", ["wrong_iss", "omit_iss"])
def test_a_callback_of_another_issuer_or_without_the_promised_iss_stops_before_the_code_is_sent(demo, fault):
    setattr(demo.provider.faults, fault, True)
    with pytest.raises(ProviderMisbehaved, match="callback_iss"):
        demo.exchange(demo.authorize())
    assert demo.provider.count("token") == 0


@requirement("CB-05")
def test_github_may_leave_iss_out_but_not_send_another(github):
    assert github.exchange(github.authorize()).access_token
    github.provider.faults.wrong_iss = True
    with pytest.raises(ProviderMisbehaved, match="callback_iss_mismatch"):
        github.exchange(github.authorize())


@requirement("CB-10")
def test_a_refusal_at_the_provider_is_access_denied_without_its_text(demo):
    callback = demo.authorize(decision="refuse")
    assert "error_description" in callback
    assert read_callback_error(callback["error"]) == "access_denied"


@requirement("CB-08")
@pytest.mark.parametrize(
    "fault",
    [
        "wrong_nonce",
        "wrong_id_token_issuer",
        "wrong_audience",
        "wrong_key",
        "unsigned",
        "expired_id_token",
        "drop_id_token",
    ],
)
def test_an_id_token_that_fails_one_check_identifies_nobody(demo, fault):
    setattr(demo.provider.faults, fault, True)
    tokens = demo.exchange(demo.authorize())
    with pytest.raises(ProviderMisbehaved, match="id_token"):
        demo.identify(tokens)
    assert demo.provider.count("userinfo") == 0


@requirement("CB-08")
def test_a_userinfo_answer_about_somebody_else_is_refused(demo):
    demo.provider.faults.other_userinfo_subject = True
    with pytest.raises(ProviderMisbehaved, match="userinfo_of_another_subject"):
        demo.identify(demo.exchange(demo.authorize()))


def test_a_userinfo_endpoint_that_is_down_costs_the_profile_alone(demo):
    demo.provider.faults.at = frozenset({"userinfo"})
    demo.provider.faults.status = 503
    assert demo.identify(demo.exchange(demo.authorize())).subject == "demo-7f3a51"


@requirement("CB-07")
def test_a_code_without_its_verifier_or_with_another_redirect_uri_is_worth_nothing(demo):
    for changed in ({"code_verifier": "another" * 7}, {"redirect_uri": "https://broker.example/callback/y"}):
        with pytest.raises(ProviderRefused) as refusal:
            demo.exchange(demo.authorize(), **changed)
        assert refusal.value.code == "invalid_grant"


@requirement("CB-11")
def test_granted_scopes_are_those_of_the_answer(demo, github):
    demo.provider.faults.fewer_scopes = NOTES
    assert not NOTES & demo.exchange(demo.authorize(NOTES), NOTES).granted
    github.provider.faults.fewer_scopes = frozenset({"repo"})
    granted = github.exchange(github.authorize(frozenset({"repo"})), frozenset({"repo"})).granted
    assert granted == {"read:user", "user:email"}


@requirement("CB-11")
def test_an_answer_that_is_silent_about_scopes_grants_what_was_asked(demo):
    demo.provider.faults.drop_scope = True
    granted = demo.exchange(demo.authorize(NOTES), NOTES).granted
    assert granted == NOTES | {"openid", "profile", "email"}


@pytest.mark.parametrize(
    ("faults", "error", "reason"),
    [
        ({"status": 500}, ProviderUnavailable, "token_status_500"),
        ({"status": 429}, ProviderUnavailable, "token_status_429"),
        ({"status": 302}, ProviderMisbehaved, "token_status_302"),
        ({"html": True}, ProviderMisbehaved, "token_not_json"),
        ({"huge": True}, ProviderUnavailable, "too_large"),
        ({"broken_json": True}, ProviderMisbehaved, "token_not_json"),
        ({"lose_answer": True}, ProviderUnavailable, "connection_broken"),
        ({"slow_seconds": 2.5}, ProviderUnavailable, "timed_out"),
        ({"token_type": "mac"}, ProviderMisbehaved, "token_type_unknown"),
        ({"expires_in": "soon"}, ProviderMisbehaved, "token_expires_in_malformed"),
        ({"expires_in": -1}, ProviderMisbehaved, "token_expires_in_malformed"),
        ({"token_error": "invalid_grant"}, ProviderRefused, "token_invalid_grant"),
        ({"token_error": "invalid_grant", "errors_as_200": True}, ProviderRefused, "token_invalid_grant"),
        ({"token_error": "<script>"}, ProviderRefused, "token_other"),
    ],
)
def test_a_token_endpoint_that_fails_is_told_apart(demo, faults, error, reason):
    for name, value in faults.items():
        setattr(demo.provider.faults, name, value)
    with pytest.raises(error) as failure:
        demo.exchange(demo.authorize())
    assert failure.value.reason == reason
    if error is ProviderUnavailable:
        assert failure.value.sent  # the code may be used up


def test_an_error_of_github_comes_with_a_status_of_200_in_its_own_words(github):
    callback = github.authorize()
    github.exchange(callback)
    with pytest.raises(ProviderRefused) as refusal:
        github.exchange(callback)
    assert refusal.value.code == "invalid_grant"
    with pytest.raises(ProviderRefused) as refusal:
        github.exchange(github.authorize(), client_secret="wrong")
    assert refusal.value.code == "invalid_client"


def refresh(us, refresh_token):
    request = build_refresh_request(
        us.definition,
        us.endpoints,
        client_id="broker",
        client_secret=us.secret,
        refresh_token=refresh_token,
        redirect_uri="https://broker.example/callback/x",
    )
    return read_token_response(us.definition, us.fetcher.fetch(request), requested=NOTES, now=0)


def test_a_refresh_token_rotates_and_its_second_use_ends_everything(demo):
    first = demo.exchange(demo.authorize(NOTES), NOTES)
    second = refresh(demo, first.refresh_token)
    assert second.refresh_token not in (None, first.refresh_token)
    for spent in (first.refresh_token, second.refresh_token):
        with pytest.raises(ProviderRefused) as refusal:
            refresh(demo, spent)
        assert refusal.value.code == "invalid_grant"


@requirement("CB-12")
def test_an_answer_without_a_refresh_token_says_so_and_does_not_invent_one(demo):
    first = demo.exchange(demo.authorize(NOTES), NOTES)
    demo.provider.faults.drop_refresh_token = True
    assert refresh(demo, first.refresh_token).refresh_token is None


def revoke(us, token, kind):
    request = build_revocation_request(
        us.definition, us.endpoints, client_id="broker", client_secret=us.secret, token=token, kind=kind
    )
    return None if request is None else read_revocation_response(us.definition, us.fetcher.fetch(request))


def test_a_token_is_revoked_by_rfc_7009(demo):
    tokens = demo.exchange(demo.authorize())
    assert revoke(demo, tokens.refresh_token, "refresh_token") == "revoked"
    with pytest.raises(ProviderRefused):
        refresh(demo, tokens.refresh_token)


def test_a_token_is_revoked_by_a_call_of_the_providers_own(github):
    tokens = github.exchange(github.authorize())
    assert revoke(github, "a refresh token", "refresh_token") is None
    assert revoke(github, tokens.access_token, "access_token") == "revoked"
    assert revoke(github, tokens.access_token, "access_token") == "already_over"
    with pytest.raises(REFUSALS):
        github.identify(tokens)


def test_a_revocation_that_fails_is_not_a_success(demo):
    tokens = demo.exchange(demo.authorize())
    demo.provider.faults.at = frozenset({"revoke"})
    demo.provider.faults.status = 503
    with pytest.raises(ProviderUnavailable):
        revoke(demo, tokens.refresh_token, "refresh_token")
    demo.provider.faults.status = 403
    with pytest.raises(ProviderRefused):
        revoke(demo, tokens.refresh_token, "refresh_token")


def test_a_key_roll_at_the_provider_breaks_no_sign_in(demo):
    demo.identify(demo.exchange(demo.authorize()))
    demo.provider.rotate_keys()
    demo.clock.ahead += RETRY_SECONDS
    assert demo.identify(demo.exchange(demo.authorize())).subject == "demo-7f3a51"
