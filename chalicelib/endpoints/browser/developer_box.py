"""Builds the box for a developer: only where the issuer is an address of this machine, whatever the request says."""

import re
import shlex
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from msgspec.structs import replace

from chalicelib.pages.developer import MachineBox, RefusalBox
from chalicelib.ports import Broker
from chalicelib.protocol.errors import OAuthError

COMMAND: Final = "python3 dev.py broker"  # where the local stack does not say how commands are typed
FIRST_APP: Final = "client create --name 'My app' --redirect-uri http://localhost:5173/callback"
_SHOW_PROVIDER: Final = "provider show {provider_id}"
# The same commands as in cli/reasons/, for the reasons that end on a page.
REPAIRS: Final = {
    "redirect_uri_not_registered": "client update {client_id} --add-redirect-uri={received}",
    "post_logout_redirect_uri_not_registered": "client show {client_id}",
    "bff_not_registered": "client update {client_id} --bff-origin ORIGIN",
    "bff_origin_unknown": "client update {client_id} --bff-origin ORIGIN",
    "redirect_uri_not_encrypted": "client update {client_id} --remove-redirect-uri URI",
    "client_unknown_or_over": "client enable {client_id}",
    "no_provider_switched_on": "provider list",
    "provider_unknown": "provider list",
    "provider_switched_off": _SHOW_PROVIDER,
    "provider_unavailable": "provider check {provider_id}",
    "provider_error": _SHOW_PROVIDER,
    "callback_iss_mismatch": _SHOW_PROVIDER,
    "callback_of_another_provider": _SHOW_PROVIDER,
    "callback_secret_missing": _SHOW_PROVIDER,
    "callback_of_another_shop": _SHOW_PROVIDER,
}
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_HIDDEN = re.compile(r"\[\d+ characters\]|\[userinfo\]|\\")
_SHOWN_APART = frozenset({"expected", "received", "client_id", "endpoint"})
MOST_EXPECTED: Final = 3


def build_refusal_box(broker: Broker, error: OAuthError, *, request_id: str) -> RefusalBox | None:
    """What the log says about this refusal; None unless the issuer is on this machine."""
    if not broker.settings.is_on_this_machine:
        return None
    evidence = {name: (value,) if isinstance(value, str) else value for name, value in error.evidence.items()}
    said = {name: " ".join(value) for name, value in evidence.items() if value}
    received = evidence.get("received", ())
    return RefusalBox(
        host=_host_of(broker),
        reason=error.reason,
        reference=request_id,
        explain=f"{command_of(broker)} explain {shlex.quote(request_id)}",
        expected=_sort_by_likeness(evidence.get("expected", ()), received)[:MOST_EXPECTED],
        received=received,
        client_id=said.get("client_id", ""),
        more=tuple((name, value) for name, value in said.items() if name not in _SHOWN_APART),
        repair=_build_repair(broker, error.reason, said),
        repair_label="register" if error.reason == "redirect_uri_not_registered" else "next",
    )


def build_machine_box(broker: Broker) -> MachineBox | None:
    """What runs on this machine; None unless the issuer is there."""
    if not broker.settings.is_on_this_machine:
        return None
    box = MachineBox(
        host=_host_of(broker), issuer=broker.settings.issuer, first_app=f"{command_of(broker)} {FIRST_APP}"
    )
    if broker.machine is None:
        return box
    parts = broker.machine.describe()
    simulated = tuple((name, name in parts.simulated) for name in parts.providers)
    return replace(box, apps=parts.apps, providers=simulated, live=parts.live)


def command_of(broker: Broker) -> str:
    """The operator's command as it is typed on this machine."""
    return COMMAND if broker.machine is None else broker.machine.command


def _host_of(broker: Broker) -> str:
    host = urlsplit(broker.settings.issuer).hostname or ""
    return f"[{host}]" if ":" in host else host


def _sort_by_likeness(expected: tuple[str, ...], received: tuple[str, ...]) -> tuple[str, ...]:
    """The registered value that is most like the received one first."""
    if len(received) != 1 or len(expected) < 2:
        return expected
    from difflib import SequenceMatcher

    return tuple(sorted(expected, key=lambda one: -SequenceMatcher(None, one, received[0], autojunk=False).ratio()))


def _build_repair(broker: Broker, reason: str, said: Mapping[str, str]) -> str:
    """The command that may help; "" if it needs a value that the log does not hold or had to shorten."""
    template = REPAIRS.get(reason, "")
    if reason in ("client_unknown_or_over", "client_id_malformed") and said.get("standing") != "disabled":
        template = "client list"
    names = _PLACEHOLDER.findall(template)
    if not template or any(not said.get(name) or _HIDDEN.search(said[name]) for name in names):
        return ""
    filled = _PLACEHOLDER.sub(lambda found: shlex.quote(said[found[1]]), template)
    return f"{command_of(broker)} {filled}"
