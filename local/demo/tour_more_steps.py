"""The steps after sign-in: a call through the broker, a second provider, and the revocation of a connection."""

from local.browser import Exchange, query_of, read_page
from local.demo.parts import PARTS, PROVIDER_ID
from local.demo.tour_steps import ACCESS_TOKEN, EXCHANGE, LATER, REDIRECT_URI, Tour, expect

SECOND = PARTS[1].provider_id
STATE = "this-tour-connects-a-calendar"


def call_through_broker(tour: Tour) -> None:
    """Step 8."""
    before = tour.stack.provider.count("api")
    url = f"{tour.issuer}/proxy/{PROVIDER_ID}/notes"
    notes = tour.show(tour.browser.get(url, Authorization=f"Bearer {tour.access_token}"))
    expect(notes.status == 200 and notes.json().get("owner") == "alice", "the API did not answer through the broker")
    expect(notes.headers.get("broker-answer") == "provider", "nobody says whose answer it is")
    received = [request for request in tour.stack.provider.requests if request.endpoint == "api"]
    expect(len(received) == before + 1, "the provider was not called once")
    expect(received[-1].bearer not in ("", tour.access_token), "the app's own token went to the provider")
    expect(received[-1].bearer not in notes.text, "the provider's token came to the app")


def connect_second(tour: Tour) -> None:
    """Step 9."""
    refused = _ask_for_second(tour)
    tour.show(refused, f"{refused.json().get('error')}, reason: {refused.json().get('reason')}")
    expect(refused.json().get("reason") == "not_connected", "a provider was read that nobody has connected")
    form = [("provider", SECOND), ("scope", LATER), ("redirect_uri", REDIRECT_URI), ("state", STATE)]
    bearer = f"Bearer {tour.access_token}"
    link = tour.show(tour.browser.post_form(f"{tour.issuer}/connect", form, Authorization=bearer))
    page = tour.browser.get(link.json()["connect_uri"])
    tour.show(page, f'a page: "{" ".join(read_page(page.text).heading.split())}"')
    leaving = tour.browser.press_allow(page, SECOND)
    expect(leaving.location.startswith(tour.stack.providers[SECOND].url), "the page does not lead to the provider")
    back = tour.browser.submit(tour.browser.get(leaving.location), "decision", "alice")
    done = tour.browser.get(back.location)
    tour.show(done, f"to {done.location}")
    given = query_of(done.location)
    expect(done.location.startswith(REDIRECT_URI) and given.get("state") == STATE, "no way back to the app")
    tour.connection_id = given.get("connection_id", "")
    _refresh(tour)
    handed = tour.show(_ask_for_second(tour))
    expect(handed.json().get("connection_id") == tour.connection_id, "what was connected is not handed out")


def take_back(tour: Tour) -> None:
    """Step 10."""
    bearer = f"Bearer {tour.access_token}"
    before = tour.stack.providers[SECOND].count("revoke")
    ended = tour.browser.delete(f"{tour.issuer}/connections/{tour.connection_id}", Authorization=bearer)
    told = [f"{row['token']} {row['result']}: {row['reason']}" for row in ended.json().get("tokens", ())]
    tour.show(ended, "\n".join([f"at the provider: {ended.json().get('at_provider')}", *told]))
    expect(ended.status == 200 and ended.json().get("at_provider") == "revoked", "it still lives at the provider")
    expect(tour.stack.providers[SECOND].count("revoke") > before, "the provider was not told")
    expect(_ask_for_second(tour).status == 400, "the revoked connection still hands out a token")
    found = tour.browser.get(f"{tour.issuer}/connections", Authorization=bearer)
    left = [one["provider"] for one in found.json()["connections"]]
    tour.show(found, f"still connected: {', '.join(left)}")
    expect(left == [PROVIDER_ID], "more ended than was asked for")


def _ask_for_second(tour: Tour) -> Exchange:
    form = {"grant_type": EXCHANGE, "subject_token": tour.access_token, "subject_token_type": ACCESS_TOKEN}
    form |= {"audience": SECOND, "client_id": tour.client_id}
    return tour.browser.post_form(tour.metadata["token_endpoint"], list(form.items()))


def _refresh(tour: Tour) -> None:
    """The next access token carries what has been allowed meanwhile."""
    form = {"grant_type": "refresh_token", "refresh_token": tour.refresh_token, "client_id": tour.client_id}
    fresh = tour.browser.post_form(tour.metadata["token_endpoint"], list(form.items()))
    expect(LATER in fresh.json().get("scope", "").split(), "the new access token lacks what was allowed")
    tour.access_token = fresh.json()["access_token"]
