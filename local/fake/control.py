"""/_control: what a provider here shall do wrong, switched by JSON over loopback (docs/testing-your-app.md).

GET tells what is switched on and what was received; POST changes it. A page of another site cannot: the type must be
JSON, which a browser sends across sites only where it is allowed to, and it is never allowed here.
"""

import json
import re
from dataclasses import fields
from typing import Any, get_type_hints

import msgspec

from local.fake.faults import Faults
from local.fake.grants import Client, Grants
from local.fake.web import Answer, Received, json_answer

CONTROL = "/_control"
SHOWN = 50
_KINDS = {each.name: get_type_hints(Faults)[each.name] for each in fields(Faults) if each.init}
_COMMANDS = {"reset", "faults", "advance_seconds", "end_access_tokens", "end_grants", "client"}
_LOCAL_HOST = re.compile(r"localhost|127(?:\.[0-9]{1,3}){3}")


class Unclear(ValueError):
    """The request says something that is not known; the message says what is."""


def is_control(received: Received) -> bool:
    """The path is reserved on every host."""
    return received.path == CONTROL


def answer_control(grants: Grants, requests: list[Received], received: Received, *, peer: str) -> Answer:
    """Look or change.

    peer   the address of the caller, which must be of this machine, as must be the name that it used
    """
    local = peer.startswith("127.") and _LOCAL_HOST.fullmatch(received.host)
    if not local or "origin" in received.headers:
        return json_answer({"error": "for this machine alone"}, 403)
    if received.method == "GET":
        return json_answer(describe(grants, requests))
    if received.method != "POST" or not received.headers.get("content-type", "").startswith("application/json"):
        return json_answer({"error": "GET, or POST a JSON object"}, 405)
    try:
        change(grants, json.loads(received.body))
    except Unclear as error:
        return json_answer({"error": str(error)}, 400)
    except ValueError:
        return json_answer({"error": "the body is no JSON"}, 400)
    return json_answer(describe(grants, requests))


def describe(grants: Grants, requests: list[Received]) -> dict[str, Any]:
    """The enabled faults, the clients, the number of active sign-ins, and the last requests; never a secret or a
    token."""
    last = [
        {"method": each.method, "host": each.host, "path": each.path, "endpoint": each.endpoint}
        for each in requests[-SHOWN:]
    ]
    return {
        "faults": {name: _plain(value) for name, value in grants.faults.switched_on().items()},
        "manners": {name: getattr(grants.faults, name) for name in ("static_refresh", "reuse", "grace")},
        "advanced_seconds": grants.advanced,
        "clients": sorted(grants.clients),
        "sign_ins": sum(not family.revoked and family.redeemed for family in grants.families),
        "requests": last,
    }


def change(grants: Grants, wanted: Any) -> None:
    """Do what is asked: all of it, or nothing where a part is not known.

    reset              true: behave again
    faults             name -> value, as in `faults.Faults`
    advance_seconds    move the provider's clock on
    end_access_tokens  true: as if the time of each that was given until now were up
    end_grants         true: as if every user had removed every app

    Raises Unclear.
    """
    if not isinstance(wanted, dict) or not wanted.keys() <= _COMMANDS:
        raise Unclear(f"an object with some of {', '.join(sorted(_COMMANDS))} is wanted")
    faults = wanted.get("faults") or {}
    if not isinstance(faults, dict):
        raise Unclear("faults: an object of names and values is wanted")
    faults = {name: _read(name, value) for name, value in faults.items()}
    seconds = wanted.get("advance_seconds", 0)
    if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds < 0:
        raise Unclear("advance_seconds: a whole number of seconds is wanted")
    client = _read_client(wanted["client"]) if "client" in wanted else None
    with grants.lock:
        if wanted.get("reset"):
            grants.faults.reset()
        for name, value in faults.items():
            setattr(grants.faults, name, value)
        grants.advanced += seconds
        if wanted.get("end_access_tokens"):
            grants.end_access_tokens()
        if wanted.get("end_grants"):
            for family in grants.families:
                family.revoked = True
        if client is not None:
            grants.clients[client.client_id] = client


def _read(name: str, value: Any) -> Any:
    """A fault's value in its own type."""
    if name not in _KINDS:
        raise Unclear(f"there is no fault {name}; known are {', '.join(sorted(_KINDS))}")
    kind = _KINDS[name]
    try:
        return value if kind is object else msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise Unclear(f"{name}: {error}") from None


def _read_client(wanted: Any) -> Client:
    if not isinstance(wanted, dict) or not isinstance(wanted.get("client_id"), str):
        raise Unclear("client: an object with client_id, perhaps client_secret, public_key, redirect_uris is wanted")
    uris = wanted.get("redirect_uris", ["*"])
    if not isinstance(uris, list) or not all(isinstance(uri, str) for uri in uris):
        raise Unclear("client.redirect_uris: a list of words is wanted")
    client_id = wanted["client_id"]
    return Client(client_id, wanted.get("client_secret"), tuple(uris), client_id, wanted.get("public_key"))


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, frozenset) else value
