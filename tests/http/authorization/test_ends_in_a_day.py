"""A tick on the page of choice lets all that is allowed end by itself 24 hours later, on every way to a grant."""

import pytest

from chalicelib.jobs.runner import run_due_jobs
from chalicelib.records.consent import Consent
from tests.kit.http.account_page import Shown, look
from tests.kit.http.browser import read_page
from tests.kit.http.device import ask, start_device
from tests.kit.http.sign_in_scene import consents
from tests.kit.http.stack import SCOPE, SignIn, Stack
from tests.kit.http.tokens import Session, change, events, read, start_session
from tests.kit.requirement import requirement

DAY = 86400
TICK = {"ends": "in_a_day"}


def sign_in_for_a_day(stack: Stack, **more: str) -> SignIn:
    """The whole way, with the tick."""
    client, secret = stack.client(optional_scopes=frozenset({"email"}))
    browser = stack.browser()
    page = stack.authorize(stack.authorize_parameters(client, **more), browser)
    left = stack.decide(browser, page, provider="demo", **TICK)
    back = stack.provider.sign_in(left.location)
    answer = browser.get(back)
    return SignIn(client, secret, client.redirect_uris[0], "v" * 43, "", "", browser, answer, back)


def the_consent(stack: Stack) -> Consent:
    (consent,) = consents(stack)
    return consent


@requirement("CONS-09", "ACC-08")
def test_what_was_allowed_for_a_day_ends_here_and_at_the_provider(stack: Stack) -> None:
    signed_in = sign_in_for_a_day(stack)
    session = Session(stack, signed_in, stack.redeem(signed_in).json)
    consent = the_consent(stack)
    assert consent.ends_at == consent.decided_at + DAY
    assert [line["ends_at"] for line in events(stack, "access_limited")] == [consent.ends_at]
    assert "Ends in 24 hours" in Shown(look(signed_in.browser)).words
    stack.clock.advance(consent.ends_at - stack.clock.now() - 1)
    assert session.refresh().status == 200
    stack.clock.advance(1)
    assert session.refresh().status == 400
    assert [one.outcome for one in run_due_jobs(stack.broker) if one.job.kind == "time_up"] == ["done"]
    connection = read(stack, session.connection_place())
    assert (connection.status, set(connection.endings.values())) == ("revoked", {"revoked"})


@requirement("CONS-09")
def test_it_is_offered_unticked_and_only_where_access_would_last_longer(stack: Stack) -> None:
    client, _ = stack.client()
    page = stack.authorize(stack.authorize_parameters(client))
    assert 'name="ends" value="in_a_day"' in page.body and "Limit access to 24 hours" in page.body
    assert "ends" not in dict(read_page(page.body).fields)
    short = stack.authorize(stack.authorize_parameters(client, scope="openid"))
    assert short.status == 200 and 'name="ends"' not in short.body


@requirement("CONS-09")
@pytest.mark.parametrize("ends", [None, "", "never", "in_a_day "])
def test_nothing_ends_without_the_tick(stack: Stack, ends: str | None) -> None:
    client, _ = stack.client()
    browser = stack.browser()
    page = stack.authorize(stack.authorize_parameters(client), browser)
    left = stack.decide(browser, page, provider="demo", **({} if ends is None else {"ends": ends}))
    assert "code=" in browser.get(stack.provider.sign_in(left.location)).location
    assert the_consent(stack).ends_at == 0


@requirement("CONS-09", "ACC-08")
def test_a_browser_that_is_signed_in_can_tick_it_too_and_an_end_that_is_set_stays(stack: Stack) -> None:
    session, first, ends = start_session(stack), stack.clock.now(), list[int]()
    browser = session.sign_in.browser
    for _ in range(2):
        page = stack.authorize(stack.authorize_parameters(session.client, prompt="consent"), browser)
        assert "code=" in stack.decide(browser, page, provider="demo", **TICK).location
        ends.append(the_consent(stack).ends_at)
        stack.clock.advance(60)
    assert ends == [first + DAY, first + DAY], "set by the first, kept at the second"
    assert session.refresh().status == 200, "what it had before is limited with the rest, and works until then"
    stack.clock.advance(DAY)
    assert session.refresh().status == 400


@requirement("CONS-09", "CB-11")
@pytest.mark.parametrize("decision", ["continue", "retry"])
def test_it_holds_over_the_page_of_what_the_provider_gave_less(stack: Stack, decision: str) -> None:
    stack.provider.faults.fewer_scopes = frozenset({"notes:write"})
    every = SCOPE + " demo:notes:write"
    client, _ = stack.client(scopes=frozenset(every.split()))
    browser = stack.browser()
    page = stack.authorize(stack.authorize_parameters(client, scope=every), browser)
    left = stack.decide(browser, page, provider="demo", **TICK)
    less = browser.get(stack.provider.sign_in(left.location))
    assert "allowed less than" in less.body
    answer = stack.decide(browser, less, decision)
    if decision == "retry":
        stack.provider.faults.reset()
        answer = browser.get(stack.provider.sign_in(answer.location))
    assert "code=" in answer.location
    assert the_consent(stack).ends_at == the_consent(stack).decided_at + DAY


@requirement("CONS-09", "DEV-06")
def test_a_device_is_let_in_for_a_day(stack: Stack) -> None:
    device = start_device(stack)
    browser, page = device.type()
    left = stack.decide(browser, page, provider="demo", **TICK)
    browser.get(stack.provider.sign_in(left.location))
    assert device.poll().status == 200
    assert the_consent(stack).ends_at == the_consent(stack).decided_at + DAY
    again = ask(stack, device.client)
    _, page = again.type(browser)
    assert "signed in on your device" in stack.decide(browser, page, provider="demo").body
    assert the_consent(stack).ends_at == the_consent(stack).decided_at + DAY


@requirement("CONS-09", "ACC-08")
def test_after_its_end_a_new_tick_is_a_new_day(stack: Stack) -> None:
    signed_in = sign_in_for_a_day(stack)
    session = Session(stack, signed_in, stack.redeem(signed_in).json)
    change(stack, session.consent_place(), ends_at=stack.clock.now() + 1)
    stack.clock.advance(2)
    page = stack.authorize(stack.authorize_parameters(signed_in.client), signed_in.browser)
    left = stack.decide(signed_in.browser, page, provider="demo", **TICK)
    assert "code=" in signed_in.browser.get(stack.provider.sign_in(left.location)).location
    assert the_consent(stack).ends_at == stack.clock.now() + DAY
