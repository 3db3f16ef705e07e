"""Calls that schemathesis makes up from the published description, sent to a running broker.

Half of them hold what is right at this broker, so that they go deep. Whatever is sent: an answer that is described, no
5xx, and nothing of what stands for a secret in the answer or in the log.
"""

from collections import Counter
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.kit import described
from tests.kit.http.browser import read_page
from tests.kit.http.stack import APP, Stack

CANARY = "canary-that-no-answer-may-repeat-0123456789"
SECRETS = ("client_secret", "client_assertion", "code_verifier", "subject_token", "id_token_hint", "access_token")
CHECKS = [
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
# A provider's own answers are described by nobody here.
LEFT_OUT = ("/proxy/{provider_id}/{path}",)


class Target:
    """A broker with one finished sign-in, and what is right at it; `answers` counts them by status."""

    def __init__(self, stack: Stack, answers: Counter[str] | None = None) -> None:
        self.stack, self.answers = stack, Counter[str]() if answers is None else answers
        client, secret = stack.client(token_endpoint_auth_method="client_secret_post")
        used, coded = stack.sign_in(client, secret), stack.sign_in(client, secret)
        tokens = stack.redeem(used).json
        page = stack.authorize(stack.authorize_parameters(client), stack.browser())
        self.token = str(tokens["access_token"])
        self.right: dict[str, Any] = {
            "client_id": client.client_id,
            "client_secret": secret,
            "code": coded.code,
            "code_verifier": coded.verifier,
            "provider": "demo",
            "provider_id": "demo",
            "redirect_uri": APP,
            "refresh_token": tokens["refresh_token"],
            "request": dict(read_page(page.body).fields)["request"],
            "scope": "openid profile",
            "subject_token": self.token,
            "token": self.token,
        }
        self.secrets = [str(self.right[name]) for name in ("client_secret", "code_verifier", "refresh_token")]

    def send(self, case: Case, names: frozenset[str], *, with_token: bool, with_canary: bool) -> None:
        """One call, with what is right under these names. Raises AssertionError."""
        for place in (case.query, case.body, case.path_parameters):
            if isinstance(place, dict):
                place.update({name: self.right[name] for name in names & place.keys() & self.right.keys()})
                if with_canary and place is case.body:
                    place.update({name: CANARY for name in SECRETS if name in place})
        bearer = CANARY if with_canary else self.token
        headers = {"Authorization": f"Bearer {bearer}"} if with_token or with_canary else {}
        if case.operation.path in ("/signin", "/device", "/connect/{link}", "/account"):
            headers["Origin"] = self.stack.settings.issuer
        described.faults.clear()
        response = case.call(base_url=self.stack.settings.issuer, headers=headers, allow_redirects=False, timeout=30)
        self.check(case, response)

    def check(self, case: Case, response: Any) -> None:
        """What holds for every answer."""
        name = f"{case.method} {case.operation.path}"
        self.answers[str(response.status_code)] += 1
        assert response.status_code < 500, (name, response.status_code, self.stack.log.getvalue()[-500:])
        if "x-amzn-errortype" in response.headers:
            return  # the gateway's own, of a path or a request that no app sees
        case.validate_response(response, checks=CHECKS)
        assert not described.faults, described.faults
        said = response.text + str(dict(response.headers))
        shown = [secret for secret in (CANARY, *self.secrets) if secret in said]
        assert not shown, (name, shown)
        assert CANARY not in said, name


def operations() -> list[Any]:
    """Those of the description, but what is the browser's own or a provider's."""
    schema = schemathesis.openapi.from_dict(described.document())
    found = [result.ok() for result in schema.get_all_operations()]
    return [one for one in found if one.method != "options" and one.path not in LEFT_OUT]


def play(target: Target, operation: Any, *, examples: int, seed: int | None = None) -> None:
    """So many calls of one operation; without a seed the same ones each time. Raises what schemathesis raises."""

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=seed is None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=operation.as_strategy(),
        names=st.frozensets(st.sampled_from(sorted(target.right))) | st.just(frozenset(target.right)),
        with_token=st.booleans(),
        with_canary=st.booleans(),
    )
    def send(case: Case, names: frozenset[str], with_token: bool, with_canary: bool) -> None:
        target.send(case, names, with_token=with_token, with_canary=with_canary)

    if seed is not None:
        from hypothesis import seed as seeded

        send = seeded(seed)(send)
    send()
    log = target.stack.log.getvalue()
    assert not [secret for secret in (CANARY, *target.secrets) if secret in log], "a secret is in the log"
    assert '"unhandled"' not in log
