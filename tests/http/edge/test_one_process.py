"""Requests of many apps and people, mixed and at once, in one process: none sees anything of another (RELIABILITY F23).

Each app and each person carries canaries: names, ids, email addresses, tokens. Every answer is searched for those of
all; only its own may be there.
"""

import itertools
import json
import os
import random
import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from local.fake.people import USERS, User
from tests.kit.http.account_page import look
from tests.kit.http.browser import Answer, request
from tests.kit.http.pushing import push
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import CONFIDENTIAL, Session, read_claims
from tests.kit.requirement import requirement

REQUESTS = int(os.environ.get("MIXED_REQUESTS", "1500"))
PEOPLE, THREADS = 4, 4
APP_NAMES = ("canary-app-a", "canary-app-b", "canary-app-c")
CANARY = re.compile(r"canary-[a-z]+-\w+")


@dataclass
class Tenant:
    """One person in one app. own: the canaries that may be in its answers."""

    session: Session
    own: set[str]
    seen: Counter[str] = field(default_factory=Counter)
    sub: str = ""

    def check(self, answer: Answer, *, statuses: tuple[int, ...] = (200,), **sent: str) -> None:
        """Of the right kind, and holds nothing of anybody else."""
        assert answer.status in statuses, (answer.status, answer.body[-400:])
        found = set(CANARY.findall(answer.body + str(answer.headers)))
        assert found <= self.own | set(sent.values()), found - self.own
        self.seen.update(found)
        if answer.status == 200 and answer.body.startswith("{"):
            self.check_tokens(answer)

    def check_tokens(self, answer: Answer) -> None:
        """What a token says is about this person and this app."""
        token = json.loads(answer.body).get("access_token", "")
        if token.startswith("eyJ"):
            claims = read_claims(token)
            assert (claims["sub"], claims["client_id"]) == (self.sub, self.session.client.client_id)


def userinfo(tenant: Tenant, canary: str) -> None:
    """Their own name and email address."""
    tenant.check(tenant.session.userinfo())


def hand_out(tenant: Tenant, canary: str) -> None:
    """The provider's token of this person."""
    answer = tenant.session.exchange()
    tenant.check(answer)
    user = tenant.session.stack.provider.grants.whose(answer.json["access_token"])
    assert user is not None and user.user.email in tenant.own


def introspect(tenant: Tenant, canary: str) -> None:
    """A token, by the app that has it."""
    session = tenant.session
    answer = session.stack.post("/introspect", session.client, session.sign_in.secret, token=session.access)
    tenant.check(answer)


def connections(tenant: Tenant, canary: str) -> None:
    """What the app holds of this person."""
    headers = {"Authorization": f"Bearer {tenant.session.access}"}
    answer = request(tenant.session.stack.netloc, "GET", "/connections", headers=headers)
    tenant.check(answer)
    assert [one["connection_id"] for one in answer.json["connections"]] == [
        *tenant.session.claims["connections"].values()
    ]


def authorize(tenant: Tenant, canary: str) -> None:
    """The page names this app and no other."""
    stack = tenant.session.stack
    answer = stack.authorize(stack.authorize_parameters(tenant.session.client, state=canary, nonce=canary))
    tenant.check(answer)


def cancel(tenant: Tenant, canary: str) -> None:
    """The app gets its own state back."""
    stack, browser = tenant.session.stack, tenant.session.stack.browser()
    page = stack.authorize(stack.authorize_parameters(tenant.session.client, state=canary), browser)
    answer = stack.decide(browser, page, decision="deny")
    tenant.check(answer, state=canary)
    assert answer.answered["state"] == canary


def pushed(tenant: Tenant, canary: str) -> None:
    """A reference of its own."""
    session = tenant.session
    tenant.check(push(session.stack, session.client, session.sign_in.secret, state=canary), statuses=(201,))


def own_page(tenant: Tenant, canary: str) -> None:
    """All apps of this person."""
    tenant.check(look(tenant.session.sign_in.browser), **{name: name for name in APP_NAMES})


def garbage(tenant: Tenant, canary: str) -> None:
    """What is refused says nothing of what it was."""
    tenant.check(tenant.session.refresh(f"tb_refresh_{canary}"), statuses=(400,))
    tenant.check(tenant.session.stack.userinfo(canary), statuses=(401,))


KINDS: list[Callable[[Tenant, str], None]] = [
    userinfo, hand_out, introspect, connections, authorize, cancel, pushed, own_page, garbage,
]  # fmt: skip
REQUESTS_OF = {cancel: 2, garbage: 2}


def make_tenants(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> list[Tenant]:
    """Every person in every app."""
    apps = [
        stack.client(**CONFIDENTIAL, client_name=name, serves=frozenset({stack.settings.issuer})) for name in APP_NAMES
    ]
    tenants = []
    for number in range(PEOPLE):
        login = f"canary-login-{number}"
        monkeypatch.setitem(USERS, login, _person(login, number))
        mine: set[str] = {login, f"canary-name-{number}", f"canary-mail-{number}", f"canary-mail-{number}@demo.example"}
        browser = stack.browser()
        for app, secret in apps:
            sign_in = stack.sign_in(app, secret, who=login, browser=browser)
            session = Session(stack, sign_in, stack.redeem(sign_in).json)
            tenants.append(Tenant(session, mine | {str(app.client_name)}, sub=session.claims["sub"]))
    return tenants


def _person(login: str, number: int) -> User:
    mail = f"canary-mail-{number}@demo.example"
    return User(login, f"canary-sub-{number}", 5000 + number, f"canary-name-{number}", mail, (), ())


@requirement("F23")
def test_nobody_sees_anything_of_another_in_a_process_that_serves_all(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.restart(handouts_per_user=0, handouts_per_client=0, requests_per_address=0, requests_per_client=0)
    monkeypatch.setattr(stack.provider.grants, "clock", stack.clock.now)  # its tokens end by the broker's time
    tenants, chance, sent = make_tenants(stack, monkeypatch), random.Random(23), itertools.count()
    plan: list[tuple[Callable[[Tenant, str], None], Tenant]] = []
    asked = 0
    while asked < REQUESTS:
        plan.append((chance.choice(KINDS), chance.choice(tenants)))
        asked += REQUESTS_OF.get(plan[-1][0], 1)
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda one: one[0](one[1], f"canary-state-{next(sent)}"), plan))
    for number, tenant in enumerate(tenants):
        assert tenant.seen[f"canary-name-{number // len(APP_NAMES)}"] > 0, "the canaries do sing"
    log = stack.log.getvalue()
    assert not re.search(r"canary-(?:name|mail|login|state)-", log)
