"""Checks over the network that the issuer responds as this deployment. --no-network skips it."""

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.composition import build_broker
from chalicelib.endpoints.discovery.metadata import authorization_server
from chalicelib.protocol.request import Request
from chalicelib.upstream.callback import callback_uri
from cli.deployment.operations import Deployment
from cli.doctor.checks import Group, Skipped, rfc
from cli.doctor.deployment.visit import DEPLOY, Here
from cli.doctor.server.asking import Unanswered

GROUP = Group("Issuer")


@GROUP.check("issuer-answers", "error", fix="Check the domain, its DNS record and the stage.", source=DEPLOY)
def answers(here: Here) -> Iterator[str]:
    """The issuer serves its metadata publicly."""
    try:
        _ = here.published.documents
    except Skipped as why:
        yield f"{here.settings.issuer}: {why}"


@GROUP.check(
    "issuer-metadata",
    "warning",
    fix="Deploy these settings and this version, or run the command with the deployed ones.",
    source=rfc(8414, "3.3"),
)
def is_this_one(here: Here) -> Iterator[str]:
    """The served metadata matches these settings and providers."""
    theirs = here.published.metadata
    ours = here.read(_metadata)
    apart = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
    if apart:
        yield f"{', '.join(apart)} differ"


@GROUP.check("issuer-keys", "error", fix="Compare BROKER_TABLE with the function's setting.", source=DEPLOY)
def has_these_keys(here: Here) -> Iterator[str]:
    """The served key set has the public halves of the keys in the table."""
    theirs = {_text(key) for key in here.published.keys}
    ours = {_text(key) for key in here.read(lambda deployment: deployment.keys.public_jwks())}
    if ours - theirs:
        yield f"{len(ours - theirs)} of {len(ours)} keys are missing"


@GROUP.check(
    "issuer-callbacks",
    "error",
    fix="Check the base path of the domain.",
    source=rfc(6749, "3.1.2"),
)
def takes_callbacks(here: Here) -> Iterator[str]:
    """The redirect URI of every provider leads to the broker."""
    if not here.providers:
        raise Skipped("no provider is enabled")
    for record in here.providers:
        uri = callback_uri(here.settings.issuer, record.provider_id)
        try:
            answer = here.asker.get(uri)
        except Unanswered as why:
            yield str(why)
            continue
        if not (answer.status == 400 and answer.is_page):
            yield f"{uri} returns {answer.status}"


def _metadata(deployment: Deployment) -> dict[str, Any]:
    """The response that the endpoint would return, from the same tables."""
    settings, log = deployment.settings, io.StringIO()
    broker = build_broker(settings, dynamodb=deployment.dynamodb, kms=deployment.kms, log_stream=log)
    document: dict[str, Any] = json.loads(str(authorization_server(broker, Request(method="GET")).body))
    return document


def _text(key: Mapping[str, str]) -> str:
    return json.dumps(key, sort_keys=True)
