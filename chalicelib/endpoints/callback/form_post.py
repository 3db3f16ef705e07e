"""POST /callback/{provider_id}: the answer of a provider that posts it (OAuth 2.0 Form Post Response Mode).

The POST crosses sites, so it brings none of our cookies and proves nothing: nothing is claimed, stored or asked for it.
It is answered with a redirect to the GET, which brings them. Code, state, iss and error are in that URL like those of
any other provider do; whatever else the file reads is sealed there, bound to all of them, for a minute.
"""

import hashlib

import msgspec
from msgspec import Struct

from chalicelib.endpoints.browser.page_forms import parse_for_page
from chalicelib.ports import Broker
from chalicelib.protocol.errors import PageError
from chalicelib.protocol.parameters import Parameters
from chalicelib.protocol.request import Request
from chalicelib.protocol.sealing import canonical, open_text, seal_text
from chalicelib.providers.definition import ProviderDefinition
from chalicelib.responses import Response, redirect_response
from chalicelib.upstream.callback import CARRIED, callback_uri, further_parameters
from chalicelib.upstream.client_authentication import with_query

POSTED = "posted"
POSTED_SECONDS = 60
MAX_CARRIED, MAX_FURTHER = 4500, 1500  # characters: the URL stays within what gateways and browsers take


class Posted(Struct, frozen=True, kw_only=True):
    """What the form held beside CARRIED, by name; at   epoch seconds."""

    at: int
    fields: dict[str, str]


def answer(broker: Broker, http: Request) -> Response:
    """Raises PageError."""
    provider_id = http.path.get("provider_id", "")
    definition = broker.catalog.get(provider_id)
    if definition is None or not _posts(definition) or http.query:
        raise PageError("callback_not_to_be_posted")
    form = parse_for_page(http.form)
    carried = {name: value for name in CARRIED if (value := form.get(name)) is not None}
    if "state" not in carried or sum(map(len, carried.values())) > MAX_CARRIED:
        raise PageError("callback_post_malformed")
    further = {name: value for name in further_parameters(definition) if (value := form.get(name)) is not None}
    if sum(map(len, further.values())) > MAX_FURTHER:
        further = {}  # profile and the like: a sign-in goes on without
    posted = Posted(at=broker.clock.now(), fields=further)
    sealed = seal_text(
        broker.keys.get("cookie"),
        msgspec.msgpack.encode(posted),
        place=_place(broker, provider_id, carried),
        salt=broker.entropy.token_bytes(32),
    )
    return redirect_response(with_query(callback_uri(broker.settings.issuer, provider_id), {**carried, POSTED: sealed}))


def read_callback(broker: Broker, http: Request) -> Parameters:
    """The parameters of a callback. Of a provider that posts them only those that it posted: nothing of the form can be
    written into the URL by another site, or taken to another code or state.

    Raises PageError.
    """
    parameters = parse_for_page(http.query)
    provider_id = http.path.get("provider_id", "")
    definition = broker.catalog.get(provider_id)
    if definition is None or not _posts(definition):
        return parameters
    carried = {name: value for name in CARRIED if (value := parameters.get(name)) is not None}
    sealed = open_text(
        broker.keys.get("cookie"), parameters.get(POSTED) or "", place=_place(broker, provider_id, carried)
    )
    if sealed is None:
        raise PageError("callback_not_as_posted")
    try:
        posted = msgspec.msgpack.decode(sealed, type=Posted)
    except msgspec.DecodeError:  # another release sealed it in another shape
        raise PageError("callback_posted_in_another_shape", page="sign_in_over") from None
    if not 0 <= broker.clock.now() - posted.at < POSTED_SECONDS:
        raise PageError("callback_posted_too_long_ago", page="sign_in_over")
    return Parameters.parse({**posted.fields, **carried}.items())


def _posts(definition: ProviderDefinition) -> bool:
    return definition.authorization.response_mode == "form_post"


def _place(broker: Broker, provider_id: str, carried: dict[str, str]) -> bytes:
    """Bound to the provider and to every other parameter of the URL; the code itself is not part of it."""
    digest = hashlib.sha256(canonical(*(carried.get(name, "") for name in CARRIED))).digest()
    return canonical("form_post", broker.settings.epoch, provider_id, digest)
