"""Client authentication: one method, the registered one, and in constant time."""

import base64
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.protocol.client_authentication import (
    PresentedClient,
    check_client_id,
    check_method,
    parse_client_credentials,
    secret_hash,
    verify_secret,
)
from chalicelib.protocol.errors import InvalidClient, InvalidRequest
from chalicelib.protocol.parameters import Parameters
from chalicelib.protocol.request import Request
from chalicelib.records.client import Client, SecretHash
from tests.kit.requirement import requirement

NOW = 1_800_000_000
ID, OTHER_ID = "0123456789abcdef" * 2, "f" * 32
SECRET = "5a" * 32
PEPPERS = {1: b"1" * 32, 2: b"2" * 32}
KEPT = SecretHash(hash=secret_hash(SECRET, PEPPERS[1]), pepper_version=1, created_at=0)
CLIENT = Client(
    client_id=ID,
    client_name="App",
    redirect_uris=("https://app.example/cb",),
    token_endpoint_auth_method="client_secret_basic",
    secrets=(KEPT,),
)


def b64(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def basic(text, scheme="Basic"):
    return f"{scheme} {b64(text)}"


def parse(authorization=(), query=(), **form):
    values = (authorization,) if isinstance(authorization, str) else authorization
    request = Request(method="POST", headers={"authorization": values} if values else {}, query=query)
    return parse_client_credentials(request, Parameters.parse(form.items()))


@requirement("TOK-02")
def test_each_offered_method_is_recognised():
    assert parse(client_id=ID) == PresentedClient(client_id=ID, secret=None, method="none")
    assert parse(client_id=ID, client_secret="s").method == "client_secret_post"
    assert parse(basic(f"{ID}:s")).method == "client_secret_basic"
    assert parse(basic(f"{ID}:s"), client_id=ID) == parse(basic(f"{ID}:s"))


@requirement("TOK-02")
@pytest.mark.parametrize(
    "given",
    [
        {"authorization": basic(f"{ID}:s"), "client_secret": "s"},
        {"authorization": basic(f"{ID}:s"), "client_id": ID, "client_secret": "s"},
        {"authorization": basic(f"{ID}:s"), "client_assertion": "x"},
        {"client_id": ID, "client_assertion": "x"},
        {"client_id": ID, "client_assertion_type": "urn:x"},
        {"client_id": ID, "client_secret": "s", "client_assertion": "x"},
        {"authorization": basic(f"{ID}:s"), "client_id": OTHER_ID},
        {"client_secret": "s"},
        {},
    ],
    ids=lambda given: "+".join(given) or "nothing",
)
def test_two_methods_at_once_or_none_are_refused(given):
    with pytest.raises(InvalidClient):
        parse(**given)


@requirement("TOK-03")
@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC", "bAsIc"])
def test_the_scheme_may_be_in_any_case(scheme):
    assert parse(basic(f"{ID}:{SECRET}", scheme)).secret == SECRET


@requirement("TOK-03")
def test_both_halves_are_form_decoded():
    encoded = "".join(f"%{ord(letter):02x}" for letter in ID)
    assert parse(basic(f"{encoded}:a%20b+c%3Ad%25")) == PresentedClient(
        client_id=ID, secret="a b c:d%", method="client_secret_basic"
    )


@requirement("TOK-03")
@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=50))
def test_every_secret_that_a_library_encodes_comes_out_as_it_was(secret):
    assert parse(basic(f"{ID}:{quote_plus(secret)}")).secret == secret


@requirement("TOK-03")
def test_only_the_first_colon_separates():
    assert parse(basic(f"{ID}:a:b:c")).secret == "a:b:c"


@requirement("TOK-03")
@pytest.mark.parametrize(
    "header",
    [
        pytest.param("Basic", id="nothing behind the scheme"),
        pytest.param("Basic ", id="a blank behind the scheme"),
        pytest.param("Basic !!!!", id="no base64"),
        pytest.param("Basic " + b64(f"{ID}:s")[:-1], id="base64 cut short"),
        pytest.param("Basic " + b64(f"{ID}:{SECRET}")[:-8] + "-_-_-_-_", id="base64url characters"),
        pytest.param("Basic " + b64(f"{ID}:s") + " x", id="something behind"),
        pytest.param("Basic " + b64(f"{ID}:s").replace("M", "\n", 1), id="a line feed inside"),
        pytest.param("Basic é" + b64(f"{ID}:s"), id="outside ASCII"),
        pytest.param(basic(ID), id="no colon"),
        pytest.param(basic(f":{SECRET}"), id="no id"),
        pytest.param(basic(f"{ID}:"), id="no secret"),
        pytest.param(basic(f"{ID}:".encode() + b"\xff\xfe"), id="bytes that are no UTF-8"),
        pytest.param(basic(f"{ID}:%ff"), id="escapes that are no UTF-8"),
        pytest.param(basic(f"{ID}:%zz"), id="a broken escape"),
        pytest.param(basic(f"{ID}:s%2"), id="an escape cut short"),
        pytest.param(basic(f"{ID}:a%00"), id="an escaped NUL"),
        pytest.param(basic(f"{ID}:a\nb"), id="a line feed in the secret"),
        pytest.param(basic(f"{ID}:" + "s" * 2000), id="too long"),
        pytest.param("Bearer token", id="another scheme"),
        pytest.param("Digest " + b64(f"{ID}:s"), id="yet another scheme"),
        pytest.param(b64(f"{ID}:s"), id="no scheme"),
        pytest.param("", id="an empty header"),
    ],
)
def test_what_cannot_be_read_is_a_failed_authentication_and_never_none(header):
    with pytest.raises(InvalidClient) as refusal:
        parse((header,), client_id=ID)
    assert refusal.value.status == 401


@requirement("GEN-09", "TOK-02")
def test_the_header_sent_twice_is_refused():
    with pytest.raises(InvalidRequest):
        parse((basic(f"{ID}:s"), basic(f"{ID}:s")))


@requirement("GEN-05", "TOK-02")
@pytest.mark.parametrize("name", ["client_secret", "client_assertion", "code_verifier", "refresh_token"])
def test_a_credential_in_the_query_is_refused(name):
    with pytest.raises(InvalidRequest):
        parse(basic(f"{ID}:{SECRET}"), query=((name, "x"),))


@requirement("REG-06")
@pytest.mark.parametrize(
    "client_id",
    [
        "https://app.example:443/client",
        "HTTPS://app.example",
        ID.upper(),
        ID[:-1],
        ID + "0",
        ID + "\n",
        "",
        "#",
        "g" * 32,
        "é" * 32,
    ],
)
def test_an_id_that_we_never_generate_is_never_looked_up(client_id):
    with pytest.raises(InvalidClient):
        check_client_id(client_id)


@requirement("REG-06")
@pytest.mark.parametrize("client_id", ["https://app.example:443/client", ID.upper(), "#GRANT"])
def test_such_an_id_is_refused_however_it_is_presented(client_id):
    for presented in ({"client_id": client_id}, {"authorization": basic(f"{quote_plus(client_id)}:s")}):
        with pytest.raises(InvalidClient):
            parse(**presented)


@requirement("TOK-02", "TOK-09")
@pytest.mark.parametrize("registered", ["none", "client_secret_basic", "client_secret_post"])
@pytest.mark.parametrize("used", ["none", "client_secret_basic", "client_secret_post"])
def test_only_the_registered_method_counts(registered, used):
    client = replace(CLIENT, token_endpoint_auth_method=registered)
    presented = PresentedClient(client_id=ID, secret=None if used == "none" else SECRET, method=used)
    if registered == used:
        check_method(client, presented)
        return
    with pytest.raises(InvalidClient):
        check_method(client, presented)


def verify(secret, client=CLIENT, peppers=PEPPERS):
    presented = PresentedClient(client_id=ID, secret=secret, method="client_secret_basic")
    verify_secret(client, presented, peppers, NOW)


@requirement("TOK-04")
def test_the_right_secret_passes_under_any_live_pepper():
    verify(SECRET)
    second = SecretHash(hash=secret_hash("new", PEPPERS[2]), pepper_version=2, created_at=NOW, expires_at=NOW + 1)
    both = replace(CLIENT, secrets=(KEPT, second))
    verify(SECRET, both)
    verify("new", both)


@requirement("TOK-04", "TOK-09")
@pytest.mark.parametrize(
    ("secret", "client"),
    [
        pytest.param("wrong", CLIENT, id="wrong"),
        pytest.param(SECRET.upper(), CLIENT, id="another case"),
        pytest.param(SECRET + " ", CLIENT, id="a blank behind"),
        pytest.param(SECRET[:-1], CLIENT, id="one character less"),
        pytest.param(KEPT.hash, CLIENT, id="the stored hash itself"),
        pytest.param("é", CLIENT, id="outside ASCII"),
        pytest.param("", CLIENT, id="empty"),
        pytest.param(None, CLIENT, id="none"),
        pytest.param(SECRET, replace(CLIENT, secrets=()), id="a client without secrets"),
        pytest.param("", replace(CLIENT, secrets=()), id="empty, and a client without secrets"),
        pytest.param(SECRET, None, id="an unknown client"),
        pytest.param(SECRET, replace(CLIENT, secrets=(replace(KEPT, expires_at=NOW),)), id="expired this second"),
        pytest.param(SECRET, replace(CLIENT, secrets=(replace(KEPT, pepper_version=2),)), id="another pepper"),
        pytest.param(SECRET, replace(CLIENT, secrets=(replace(KEPT, hash=""),)), id="an empty stored hash"),
    ],
)
def test_everything_else_is_refused_and_reads_alike(secret, client):
    with pytest.raises(InvalidClient) as refusal:
        verify(secret, client)
    assert refusal.value.reason == "client_secret_wrong"


@requirement("TOK-04")
def test_a_pepper_that_is_gone_never_stands_in_as_a_known_key():
    forged = replace(CLIENT, secrets=(SecretHash(hash=secret_hash("x", b"absent"), pepper_version=9, created_at=0),))
    with pytest.raises(InvalidClient):
        verify("x", forged)


@requirement("TOK-04")
def test_an_empty_secret_is_refused_even_where_its_hash_is_stored():
    odd = replace(CLIENT, secrets=(replace(KEPT, hash=secret_hash("", PEPPERS[1])),))
    with pytest.raises(InvalidClient):
        verify("", odd)


@requirement("TOK-04", "GEN-10")
@pytest.mark.parametrize("client", [None, replace(CLIENT, secrets=()), CLIENT], ids=["unknown", "no secret", "one"])
def test_one_comparison_is_made_whoever_asks(client, monkeypatch):
    """Counting the comparisons is the part of constant time that a test can hold still."""
    import chalicelib.protocol.client_authentication as module

    compared = []
    real = module.hmac.compare_digest
    monkeypatch.setattr(module.hmac, "compare_digest", lambda a, b: compared.append((a, b)) or real(a, b))
    with pytest.raises(InvalidClient):
        verify("wrong", client)
    assert [(len(a), len(b)) for a, b in compared] == [(64, 64)]


@requirement("TOK-04")
def test_the_hash_is_keyed_and_hides_the_secret():
    assert len(KEPT.hash) == 64
    assert secret_hash(SECRET, PEPPERS[1]) != secret_hash(SECRET, PEPPERS[2])
