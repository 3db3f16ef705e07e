"""What the operator says of who may act for whom, through the words of the command."""

from typing import Any

import pytest

from cli.deployment.operations import OperationError
from cli.main import build_parser
from tests.kit.http.stack import APP, Stack
from tests.kit.requirement import requirement

API = "https://acted.example"
SECRET = ("--auth-method", "client_secret_basic")
ACTS = ("--name", "Acts", *SECRET, "--acts", "--resource", API)
URL = "https://client.example/app.json"


def typed(stack: Stack, *words: str) -> Any:
    """The row that the command shows."""
    options = build_parser().parse_args([*words, "--json"])
    return options.act(stack.deployment, options)


@requirement("XCH-05", "OPS-01")
def test_who_may_act_for_an_app_is_said_shown_and_taken_back(stack: Stack) -> None:
    typed(stack, "resource", "create", "--audience", API, "--scope", "acted:read")
    tools, agent = (typed(stack, "client", "create", *ACTS)["client_id"] for _ in range(2))
    create = ("client", "create", "--name", "Acted", "--redirect-uri", APP)
    plain = typed(stack, *create)
    assert plain["may_be_acted_by"] == [], "nobody, unless it is said"
    update = ("client", "update", plain["client_id"])
    assert typed(stack, *update, "--may-be-acted-by", tools)["may_be_acted_by"] == [tools]
    both = typed(stack, *update, "--may-be-acted-by", agent)
    assert both == {**plain, "may_be_acted_by": sorted([tools, agent])}, "nothing else, and nobody is asked again"
    assert typed(stack, "client", "show", plain["client_id"]) == both and both in typed(stack, "client", "list")
    assert typed(stack, *update, "--not-acted-by", agent)["may_be_acted_by"] == [tools]
    assert typed(stack, *create, "--may-be-acted-by", tools)["may_be_acted_by"] == [tools]
    typed(stack, "client", "disable", URL)
    assert typed(stack, "client", "update", URL, "--may-be-acted-by", tools)["may_be_acted_by"] == [tools]


@requirement("XCH-05", "OPS-01")
def test_nobody_is_named_who_could_not_act(stack: Stack) -> None:
    typed(stack, "resource", "create", "--audience", API, "--scope", "acted:read")
    app = typed(stack, "client", "create", *ACTS)["client_id"]
    update = ("client", "update", app)
    public = typed(stack, "client", "create", "--name", "Public", "--redirect-uri", APP)["client_id"]
    unable = typed(stack, "client", "create", "--name", "Itself", *SECRET, "--for-itself")["client_id"]
    for words, hint in (
        ((*update, "--may-be-acted-by", app), "name another client"),
        ((*update, "--may-be-acted-by", public), "--auth-method client_secret_basic"),
        ((*update, "--may-be-acted-by", unable), f"broker client update {unable} --add-grant-type"),
        ((*update, "--may-be-acted-by", "0" * 32), "broker client list"),
        ((*update, "--not-acted-by", public), "broker client show"),
        (("client", "create", "--name", "X", "--acts", "--resource", API), "--auth-method"),
        (("client", "create", "--name", "X", *SECRET, "--acts"), "--resource URI"),
        (("client", "update", unable, "--add-grant-type", "urn:ietf:params:oauth:grant-type:token-exchange"), "URI"),
    ):
        with pytest.raises(OperationError) as refused:
            typed(stack, *words)
        assert hint in refused.value.hint, words
