"""The page that says what became of revoked connections."""

from typing import Literal

from chalicelib.endpoints.account.access import AccountAccess
from chalicelib.endpoints.account.app_connections import app_name, provider_name
from chalicelib.endpoints.account.page_form import place_of
from chalicelib.endpoints.connections.connections import describe_revoked, open_profile_of
from chalicelib.pages.account_results import AccountEndedPage, EndedLine, EndedToken
from chalicelib.ports import Broker
from chalicelib.records.connection import Connection
from chalicelib.responses import Response, page_response
from chalicelib.vault.rules.account_label import label_of
from chalicelib.vault.rules.revocation_results import may_change


def show_ended(
    broker: Broker,
    held: AccountAccess,
    what: Literal["connection", "account", "app", "all"],
    ended: list[Connection],
    user_key: bytes,
    *,
    client_id: str = "",
) -> Response:
    """The result for each connection, in plain words; a repeated request shows the same.

    client_id   of the one app that this is about
    """
    page = AccountEndedPage(
        **place_of(broker),
        what=what,
        app_name=app_name(held, client_id),
        provider_name=provider_name(broker, ended[0].provider_id) if ended else "",
        ended=tuple(ended_line(broker, held, one, user_key) for one in ended),
    )
    return page_response(page)


def ended_line(broker: Broker, held: AccountAccess, tombstone: Connection, user_key: bytes) -> EndedLine:
    """One revoked connection. A refused call that is repeated counts as pending: "failed" is final here."""
    told = describe_revoked(broker, tombstone)
    result = told["at_provider"]
    return EndedLine(
        provider_name=provider_name(broker, tombstone.provider_id),
        app_name=app_name(held, tombstone.client_id),
        label=label_of(open_profile_of(broker, tombstone, user_key)),
        result="pending" if result == "failed" and may_change(tombstone) else result,
        tokens=tuple(EndedToken(token=row["token"], result=row["result"]) for row in told["tokens"]),
        settings=told.get("provider_settings"),
    )
