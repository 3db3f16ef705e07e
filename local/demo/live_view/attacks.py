"""The live view's attacks: each really happens, against the running broker, and says which check stopped it.

The result of an attack is read from the captured exchange and from the broker's log, never from this file.
"""

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
import msgspec

from cli.explanation.explanation import explain
from local.browser import query_of
from local.demo.demo_stack import DemoStack
from local.demo.live_view.visit import Visit
from local.demo.parts import PARTS
from local.fake.control import change
from local.live.brief import answer_in_words, refusals_of
from local.live.recorder import Recorder

Document = dict[str, Any]
_ONE_AT_A_TIME = threading.Lock()
_NUMBERS = itertools.count(1)


def replay_code(stack: DemoStack, visit: Visit) -> None:
    """Redeem a code twice, and then use what came of the first time."""
    code = visit.finish(visit.allow())
    tokens = visit.redeem(code).json()
    visit.redeem(code)
    visit.ask_for_tokens(grant_type="refresh_token", refresh_token=tokens["refresh_token"])


def tamper_with_state(stack: DemoStack, visit: Visit) -> None:
    """Come back from the provider with one character changed."""
    url = visit.allow()
    state = query_of(url)["state"]
    visit.go(_change(url, state=("A" if state[0] != "A" else "B") + state[1:]))


def mix_up_issuers(stack: DemoStack, visit: Visit) -> None:
    """Come back with the answer of one provider as if another had given it."""
    visit.go(_change(visit.allow(), iss=stack.providers[PARTS[1].provider_id].url))


def change_redirect(stack: DemoStack, visit: Visit) -> None:
    """Ask for the code to be sent to an address that is one slash longer."""
    visit.asked["redirect_uri"] += "/"
    visit.ask()


def expire_refresh_token(stack: DemoStack, visit: Visit) -> None:
    """Let its time be up in the table, and use it."""
    from chalicelib.records.grant import Grant
    from chalicelib.records.item_keys import grant_item_key

    tokens = visit.redeem(visit.finish(visit.allow())).json()
    grant_id = jwt.decode(tokens["access_token"], options={"verify_signature": False})["grant_id"]
    (grant,) = [one for one in stack.broker.deployment.scan("GRANT#", Grant) if one.grant_id == grant_id]
    ended = msgspec.structs.replace(grant, expires_at=int(time.time()) - 1)
    stack.broker.deployment.put_fields(grant_item_key(grant_id), ended, "expires_at", read=grant)
    visit.ask_for_tokens(grant_type="refresh_token", refresh_token=tokens["refresh_token"])


def take_provider_down(stack: DemoStack, visit: Visit) -> None:
    """Let the provider's token endpoint fail once, while the broker needs it."""
    url = visit.allow()
    change(stack.provider.grants, {"faults": {"status": 503, "times": 1}})
    visit.finish(url)


@dataclass(frozen=True)
class Attack:
    """title: of its button. says: what it does, for whoever wonders."""

    title: str
    says: str
    run: Callable[[DemoStack, Visit], None]


ATTACKS = {
    "replay": Attack("Replay the code", "An attacker has read the code and redeems it again.", replay_code),
    "state": Attack(
        "Tamper with state", "One character of it changes in the redirect to the broker.", tamper_with_state
    ),
    "issuer": Attack("Mix up issuers", "One provider's answer is passed off as another's.", mix_up_issuers),
    "redirect": Attack("Change the redirect by a slash", "The code shall go to an address nearby.", change_redirect),
    "expire": Attack("Expire the refresh token", "Its time is up, and it is used all the same.", expire_refresh_token),
    "down": Attack("Take the provider down", "It fails just when the broker needs it.", take_provider_down),
}


def describe_attacks() -> list[Document]:
    """For the page's buttons."""
    return [{"name": name, "title": one.title, "says": one.says} for name, one in ATTACKS.items()]


def attack(name: str, stack: DemoStack, recorder: Recorder) -> Document:
    """Do it, and say what stopped it: the first exchange in which the broker refused something."""
    attempt = f"{name}.{next(_NUMBERS)}"
    with _ONE_AT_A_TIME:
        ATTACKS[name].run(stack, Visit(stack, attempt))
    drawn = [one for one in recorder.all() if one.attempt == attempt]
    stopped = next((one for one in drawn if refusals_of(one)), None)
    if stopped is None:
        return {"attempt": attempt, "stopped": False, "requests": len(drawn)}
    explained = explain(refusals_of(stopped))
    return {
        "attempt": attempt,
        "stopped": True,
        "number": stopped.number,
        "check": next(step["check"] for step in explained["path"] if step["outcome"] == "refused"),
        "says": explained["says"],
        "told": answer_in_words(stopped),
    }


def _change(url: str, **parameters: str) -> str:
    """The same URL with other parameters."""
    return f"{urlsplit(url)._replace(query='').geturl()}?{urlencode(query_of(url) | parameters)}"
