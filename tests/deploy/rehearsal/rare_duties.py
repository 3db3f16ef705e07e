"""What Jobs meets now and then: an app that is named by its URL, a refresh under way while its connection ends, records
whose minutes are over, a provider that lets nothing end."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from msgspec import structs

from chalicelib.adapters.dynamodb.audit_records import CHAIN
from chalicelib.ports import Broker
from chalicelib.records.audit import AuditEvent
from chalicelib.records.client import Client
from chalicelib.records.connection import Connection
from chalicelib.records.item_keys import connection_item_key
from chalicelib.records.job import Job
from chalicelib.records.seal import SETTLE_SECONDS, WINDOW_SECONDS, window_of
from chalicelib.vault.revocation import write_tombstone
from cli.deployment.operations import Deployment
from tests.deploy.package.sign_in import ACCESS_TOKEN, EXCHANGE, Browser, SignIn
from tests.deploy.package.world import ISSUER, SCOPE
from tests.deploy.rehearsal.rehearsal import Rehearsal

URL = "https://agent.example.com/client.json"


def keep_a_document(operator: Broker) -> None:
    """An app that nobody registered, as its document has described it, still fresh."""
    now = operator.clock.now()
    described = Client(
        client_id=URL,
        client_name="An agent",
        redirect_uris=("https://agent.example.com/back",),
        token_endpoint_auth_method="none",
        grant_types=frozenset({"authorization_code", "refresh_token", EXCHANGE}),
        scopes=frozenset(SCOPE.split()),
        providers=frozenset({"demo"}),
        handout="token",
        registered_by="document",
        created_at=now,
        fetched_at=now,
        fresh_until=now + 3600,
        expires_at=now + 86400,
    )
    operator.store.put_document(described, read=None)


def sign_in_at_the_agent(here: Rehearsal, user: str) -> tuple[SignIn, str]:
    """A user at the app that is named by its URL; the sign-in, and the app's access token."""
    app = replace(here.world.app, client_id=URL, redirect_uri="https://agent.example.com/back")
    signed_in = SignIn(app, Browser(here.stack, ISSUER), lambda url: here.world.neighbours.visit(url, user))
    return signed_in, signed_in.run()["access_token"]


def end_while_it_is_refreshed(here: Rehearsal, operator: Broker) -> None:
    """Who ends a connection dies after the tombstone; the refresh that was under way then keeps what it received."""
    neighbours = here.world.neighbours
    neighbours.misbehave(expires_in=1)
    app, token = sign_in_at_the_agent(here, "alice")
    time.sleep(2)  # then the provider's access token is over
    neighbours.misbehave(slow_seconds=4)
    form = {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": ACCESS_TOKEN, "audience": "demo"}
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(here.stack.invoke, app.token_event(form))
        while not (held := _held_by_the_agent(operator)).attempt_started:
            assert not asking.done(), asking.result()
            time.sleep(0.05)
        assert write_tombstone(operator, held) is not None
        assert asking.result().status == 400
    neighbours.misbehave()
    bring_forward(operator, "end")


def _held_by_the_agent(operator: Broker) -> Connection:
    found = Deployment(operator.settings).scan("CONNECTION#", Connection)
    (one,) = (one for one in found if one.client_id == URL and one.status == "active")
    place = connection_item_key(one.connection_id)
    held = operator.store.read(place).get(place)
    assert held is not None
    return held


def bring_forward(operator: Broker, kind: str) -> None:
    """Duties of this kind are due at once."""
    for job in Deployment(operator.settings).scan("JOB#", Job):
        if job.kind == kind:
            operator.queue.delete(job)
            operator.store.put_job(structs.replace(job, due_at=job.created_at))


def leave_records_to_seal(here: Rehearsal, operator: Broker) -> None:
    """The chain begins anew, with a record in each of the two windows that may be the first when Jobs runs."""
    client, table = here.stack.client("dynamodb"), operator.settings.table
    while old := operator.queue.last_seal():
        client.delete_item(TableName=table, Key={"pk": {"S": CHAIN}, "sk": {"S": f"{old.window:012d}"}})
    settled = window_of(operator.clock.now() - SETTLE_SECONDS)
    for at in (settled - WINDOW_SECONDS, settled):
        operator.store.append_audit(AuditEvent(event="handout", at=at, request_id=f"{at:024x}", sub="somebody"))
