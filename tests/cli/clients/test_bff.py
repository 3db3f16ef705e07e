"""broker client ... --bff-origin, --bff-api: pages of the issuer's own site, and an API that may be called."""

from collections.abc import Callable

import pytest

from cli.client_options.same_site import find_fault
from tests.kit.cli.operator import Done, Operator
from tests.kit.requirement import requirement

CREATE = ["client", "create", "--name", "X", "--scope", "openid"]
ISSUER = "https://broker.example.com"
SAME = (
    *("https://app.example.com", "https://example.com", "https://a.b.example.com", "https://app.broker.example.com"),
    "https://broker.example.com:8443",
)
ELSEWHERE = {
    "another domain": ("https://app.example.org", ISSUER),
    "the top level alone in common": ("https://other.com", ISSUER),
    "a name that only ends alike": ("https://evilexample.com", ISSUER),
    "the broker's own origin": (ISSUER, ISSUER),
    "plain http": ("http://app.example.com", ISSUER),
    "https before a broker on loopback": ("https://127.0.0.1:1", "http://127.0.0.1:8080"),
    "a path": ("https://app.example.com/", ISSUER),
    "user information": ("https://a@app.example.com", ISSUER),
    "capitals": ("https://App.example.com", ISSUER),
    "its scheme's own port": ("https://app.example.com:443", ISSUER),
    "a wildcard": ("https://*.example.com", ISSUER),
    "nothing that is an origin": ("null", ISSUER),
    "a country's second level": ("https://a.co.uk", "https://b.co.uk"),
    "a cloud's name": ("https://a.vercel.app", "https://b.vercel.app"),
    "a cloud's name with a region": (
        "https://a.execute-api.eu-central-1.amazonaws.com",
        "https://b.execute-api.eu-central-1.amazonaws.com",
    ),
    "another address": ("http://127.0.0.2:8081", "http://127.0.0.1:8080"),
    "a name for the same address": ("http://localhost:8081", "http://127.0.0.1:8080"),
}


@requirement("BFF-08")
@pytest.mark.parametrize("origin", SAME)
def test_pages_of_the_brokers_own_site_may(origin: str) -> None:
    assert find_fault(origin, ISSUER) is None


@requirement("BFF-08")
@pytest.mark.parametrize(("origin", "issuer"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_pages_of_another_site_may_not(origin: str, issuer: str) -> None:
    fault = find_fault(origin, issuer)
    assert fault is not None and all(len(words) > 5 for words in fault)


@requirement("BFF-08")
def test_on_one_machine_the_host_is_the_same_and_the_port_is_not() -> None:
    assert find_fault("http://127.0.0.1:8081", "http://127.0.0.1:8080") is None
    assert find_fault("http://127.0.0.1:8080", "http://127.0.0.1:8080") is not None


@requirement("BFF-08")
def test_the_operator_registers_pages_and_their_api(broker: Operator, typed: Callable[..., Done]) -> None:
    broker.made("init")
    host = broker.environ["BROKER_ISSUER"].rpartition(":")[0]
    api, page = "https://api.example.com/orders", f"{host}:1"
    typed(*CREATE, "--bff-origin", "https://app.example.com").refused("different schemes")
    typed(*CREATE, "--bff-origin", page, "--bff-api", api).refused(f"broker resource create --audience {api}")
    typed("resource", "create", "--audience", api, "--scope", "orders:read")
    typed(*CREATE, "--bff-api", api).refused("--bff-origin")
    made = broker.made(*CREATE, "--bff-origin", page, "--bff-api", api + "/", "--bff-api-resource", api)
    assert (made["bff_origins"], made["bff_api"]) == ([page], {"url": api, "resource": api})
    assert (made["resources"], made["revision"], made["redirect_uris"]) == ([api], 1, [])
    update = ["client", "update", made["client_id"]]
    for wrong in ("http://api.example.com", "https://10.0.0.1/", "https://api.example.com:8443", "https://a.com/?x"):
        typed(*update, "--bff-api", wrong).refused()
    typed(*update, "--bff-api-resource", api).refused("--bff-api")
    typed(*update, "--bff-origin", "").refused("--bff-origin")
    changed = broker.made(*update, "--bff-origin", page, "--bff-origin", f"{host}:2")
    assert (changed["bff_origins"], changed["revision"]) == ([page, f"{host}:2"], 2)
    ended = broker.made(*update, "--bff-origin", "", "--bff-api", "")
    assert (ended["bff_origins"], ended["bff_api"]) == ([], None)
