"""Every URL that somebody else can write, with every trick of the corpus: no connection but to the public (F29)."""

import base64
import dataclasses
import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import msgspec
import pytest

from chalicelib.adapters.http.provider_directory import ProviderDirectory
from chalicelib.encryption import seal_provider_secret
from chalicelib.provider_client import Provider, ProviderFailure, load_provider, redeem_at_provider, revoke_token
from chalicelib.providers.catalog import load_catalog
from chalicelib.providers.definition import ProviderDefinition, ValueRefused, fill
from chalicelib.providers.definition.placeholders import URL_KEYS
from chalicelib.records.client import Client
from chalicelib.records.item_keys import provider_item_key
from chalicelib.records.provider import ProviderRecord
from chalicelib.records.sign_in import Pending
from chalicelib.upstream.http import HttpRequest, HttpResponse
from chalicelib.upstream.identity import build_userinfo_requests
from tests.http.proxy.outbound import CORPUS, NAME, PUBLIC, NameServer, Watch, tricks, urls, use_name_server, watched
from tests.kit.http.browser import FORM, request
from tests.kit.http.proxied import HOST, LISTED, Api, Proxied, Told, start_proxied
from tests.kit.http.sign_in_scene import add_provider
from tests.kit.http.stack import Stack
from tests.kit.http.tokens import Session, start_session
from tests.kit.requirement import requirement

TRICKS = list(tricks())
JSON = {"content-type": "application/json"}
ISSUER = f"https://{NAME}"
WHOLE_WAY = ["plain http", "loopback", "instance metadata", "an unusual port", "v4-mapped loopback", "localhost"]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> NameServer:
    """Before a broker is made."""
    return use_name_server(monkeypatch)


@pytest.fixture
def guarded(names: NameServer, stack: Stack) -> Stack:
    """A broker whose fetcher asks that name server."""
    stack.restart()
    return stack


@pytest.fixture
def calling(names: NameServer, make_stack: Callable[..., Stack], api: Api, tmp_path: Path) -> Proxied:
    """A broker whose demo provider has an API of its own, and which counts no calls."""
    return start_proxied(make_stack, api, tmp_path, handouts_per_user=0, handouts_per_client=0)


def own_places(stack: Stack) -> list[tuple[str, int]]:
    """Store, gateway and demo provider."""
    gateway = urlsplit(stack.parts.gateway.url)
    return [
        ("127.0.0.1", stack.parts.aws.port),
        (str(gateway.hostname), int(gateway.port or 0)),
        ("127.0.0.2", stack.provider.port),
    ]


@pytest.fixture
def watch(guarded: Stack) -> Iterator[Watch]:
    """On from here."""
    with watched(*own_places(guarded)) as found:
        yield found


def assert_stayed_home(watch: Watch, what: str, *, public: bool | None = None) -> None:
    """Nothing that is not public was tried, and no name but by the name server; then it begins anew.

    public   whether something public may have been tried: by itself only while a name has not changed its address yet
    """
    may = what.startswith("rebinding") if public is None else public
    assert (watch.not_public, watch.looked_up) == ([], []), what
    assert set(watch.tried) <= ({(PUBLIC, 443)} if may else set()), what
    watch.tried.clear()


class Edits:
    """On the way to providers: the metadata of one issuer is whatever a test says, the rest is the real fetcher's."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.document = inner, dict[str, Any]()

    def fetch(self, asked: HttpRequest, **more: Any) -> HttpResponse:
        """One request."""
        if asked.url == f"{ISSUER}/.well-known/openid-configuration":
            return HttpResponse(status=200, headers=JSON, body=msgspec.json.encode(self.document))
        return self.inner.fetch(asked, **more)


def test_the_watch_sees_a_connection_and_a_name_and_lets_neither_through(watch: Watch) -> None:
    for host, port in (("127.0.0.1", 9), ("10.1.2.3", 443), ("metadata.example", 80)):
        with pytest.raises(OSError, match=r"(in|out of) a test"):
            http.client.HTTPConnection(host, port).connect()
    assert watch.tried == watch.not_public == [("127.0.0.1", 9), ("10.1.2.3", 443)]
    assert watch.looked_up == ["metadata.example"]
    assert len(TRICKS) >= 100 and len({what for what, _, _ in TRICKS}) == len(TRICKS)


def registered(stack: Stack, issuer: str) -> ProviderRecord:
    """Ours there, without a secret, as the operator's command writes it."""
    bare = ProviderRecord(provider_id="oidc", client_id="us", issuer=issuer, public=True)
    sealed = seal_provider_secret(stack.broker.keys.get("vault"), "", record=bare, salt=b"s" * 32)
    return msgspec.structs.replace(bare, sealed_secret=sealed)


@requirement("F29", "FETCH-01")
def test_the_issuer_of_a_provider(guarded: Stack, names: NameServer, watch: Watch) -> None:
    for what, url, names.answers in TRICKS:
        record = registered(guarded, url)
        for _ in range(2):
            with pytest.raises(ProviderFailure):
                load_provider(guarded.broker, record)
        assert_stayed_home(watch, what)


@requirement("F29", "FETCH-01")
@pytest.mark.parametrize("what", WHOLE_WAY)
def test_the_issuer_of_a_provider_on_the_whole_way(guarded: Stack, watch: Watch, what: str) -> None:
    add_provider(guarded, "oidc")
    registered = guarded.deployment.store.read(provider_item_key("oidc")).get(provider_item_key("oidc"))
    assert registered is not None
    changed = msgspec.structs.replace(registered, issuer=CORPUS["refused_urls"][what])
    guarded.deployment.put(provider_item_key("oidc"), changed)
    client, _ = guarded.client(scopes=frozenset({"openid"}))
    browser = guarded.browser()
    page = guarded.authorize(guarded.authorize_parameters(client, scope="openid"), browser)
    left = guarded.decide(browser, page, provider="oidc")
    assert (left.status, left.location) == (503, "")
    assert_stayed_home(watch, what)


def use_token_endpoint(stack: Stack, provider: Provider) -> None:
    pending = Pending(
        request=None, grant_id="0" * 32, provider_id="oidc", state="s", nonce="n", code_verifier="v" * 43,
        code_secret=b"x" * 16, decided_at=stack.clock.now(), decided_by="-", allowed=frozenset({"openid"}),
    )  # fmt: skip
    redeem_at_provider(stack.broker, provider, pending, "code", lambda *_: None)


def use_userinfo_endpoint(stack: Stack, provider: Provider) -> None:
    for asked in build_userinfo_requests(provider.definition, provider.endpoints, "token", client_id="us"):
        stack.broker.fetcher.fetch(asked)


def use_jwks_uri(stack: Stack, provider: Provider) -> None:
    stack.broker.directory.jwks(provider.definition, provider.endpoints, "kid")


def use_revocation_endpoint(stack: Stack, provider: Provider) -> None:
    assert revoke_token(stack.broker, provider, "token", "access_token") in ("failed", "not_supported")


USES: dict[str, Callable[[Stack, Provider], None]] = {
    "token_endpoint": use_token_endpoint,
    "userinfo_endpoint": use_userinfo_endpoint,
    "jwks_uri": use_jwks_uri,
    "revocation_endpoint": use_revocation_endpoint,
    "authorization_endpoint": lambda stack, provider: None,  # the browser's to go to, never ours
}


@requirement("F29", "FETCH-01")
@pytest.mark.parametrize("member", USES)
def test_the_endpoints_of_a_discovery_document(guarded: Stack, names: NameServer, watch: Watch, member: str) -> None:
    edits, broker = Edits(guarded.broker.fetcher), guarded.broker
    record = registered(guarded, ISSUER)
    good = dict.fromkeys(USES, "https://other.example/nowhere")
    refused = 0
    for what, url, names.answers in TRICKS:
        edits.document = {"issuer": ISSUER, **good, member: url}
        guarded.broker = dataclasses.replace(broker, directory=ProviderDirectory(edits, guarded.clock))
        try:
            provider = load_provider(guarded.broker, record)
        except ProviderFailure:
            refused += 1
            continue
        finally:
            assert_stayed_home(watch, what)
        for _ in range(2):
            with suppress(*ProviderFailure):
                USES[member](guarded, provider)
            assert_stayed_home(watch, what)
    assert 10 < refused < len(TRICKS) - 100, "what is no https address is refused as it is read, the rest is used"


@requirement("F29", "FETCH-01")
@pytest.mark.parametrize("lax", [False, True], ids=["as it is written", "with rules that admit anything"])
def test_the_operators_values_and_what_a_provider_says_of_itself(
    guarded: Stack, names: NameServer, watch: Watch, lax: bool
) -> None:
    files = [one for one in all_files() if one.variables or one.metadata]
    assert len(files) >= 5
    for definition in files:
        rules = {**definition.variables, **definition.metadata}
        usual = {name: rule.default or getattr(rule, "example", None) or "x" for name, rule in rules.items()}
        for what, url, names.answers in TRICKS:
            for name, value in [(n, v) for n in rules for v in (url, urlsplit_host(url), url.removesuffix("/"))]:
                try:
                    filled = fill(widened(definition, name) if lax else definition, {**usual, name: value})
                except ValueRefused:
                    continue
                for address in addresses_of(filled):
                    with suppress(*ProviderFailure):
                        guarded.broker.fetcher.fetch(HttpRequest(method="GET", url=address))
                assert_stayed_home(watch, what, public=True)


def all_files() -> list[ProviderDefinition]:
    catalog = load_catalog()
    return [one for provider_id in sorted(catalog.ids) if (one := catalog.get(provider_id)) is not None]


def urlsplit_host(url: str) -> str:
    """What stands between the slashes, however it reads."""
    return url.partition("://")[2].partition("/")[0]


def widened(definition: ProviderDefinition, name: str) -> ProviderDefinition:
    """The file as a careless author would have written it: the place of a value alone guards it."""
    changed: dict[str, Any] = {}
    for section in ("variables", "metadata"):
        rules = getattr(definition, section)
        if name in rules:
            rule = msgspec.structs.replace(rules[name], pattern=r"[\s\S]*", values=())
            changed[section] = {**rules, name: rule}
    return msgspec.structs.replace(definition, **changed)


def addresses_of(definition: ProviderDefinition) -> list[str]:
    """Every address of a file that we might ask."""
    found = [getattr(definition, key) for key in URL_KEYS]
    found += [definition.revocation.url, definition.refresh.endpoint, definition.api and definition.api.base_url]
    return [one for one in found if one and "{" not in one]


class Redirects:
    """Whatever is asked at one place, it answers with a redirect; what else is asked goes through the real fetcher."""

    def __init__(self, inner: Any, place: str) -> None:
        self.inner, self.place, self.location, self.given = inner, place, "", 0

    def fetch(self, asked: HttpRequest, **more: Any) -> HttpResponse:
        """One request."""
        if not asked.url.startswith(self.place):
            return self.inner.fetch(asked, **more)
        self.given += 1
        return HttpResponse(status=302, headers={"location": self.location}, body=b"")


@requirement("F29", "FETCH-01")
def test_redirects_of_providers(guarded: Stack, names: NameServer, watch: Watch) -> None:
    session, broker = start_session(guarded), guarded.broker
    record = broker.registry.lookup(provider_item_key("demo")).get(provider_item_key("demo"))
    assert record is not None
    provider = load_provider(broker, record)
    redirects = Redirects(broker.fetcher, guarded.provider.url)
    directory = ProviderDirectory(redirects, guarded.clock)
    guarded.broker = dataclasses.replace(broker, fetcher=redirects, directory=directory)
    for what, redirects.location, names.answers in TRICKS:
        before = redirects.given
        with pytest.raises(ProviderFailure):
            load_provider(guarded.broker, record)
        for use in USES.values():
            with suppress(*ProviderFailure):
                use(guarded, provider)
        assert redirects.given >= before + 5, "discovery, code, userinfo, keys, revocation"
        assert_stayed_home(watch, what, public=False)
    guarded.clock.advance(121)
    assert session.exchange().status == 503
    assert_stayed_home(watch, "a refresh", public=False)


@requirement("F29", "PRX-03")
def test_redirects_of_an_api(calling: Proxied) -> None:
    proxied, stack, api = calling, calling.stack, calling.api
    session = start_session(stack, handout="proxy")
    with watched(*own_places(stack), api_place(proxied)) as watch:
        for what, url in urls():
            location = "".join(character for character in url if " " <= character <= "~")
            api.answer = lambda asked, to=location: Told(302, b"", (("Location", to),))
            status, _, reason = proxied.call(session).refusal
            assert (status, reason) == (502, "redirect"), what
            assert_stayed_home(watch, what, public=False)


def api_place(proxied: Proxied) -> tuple[str, int]:
    return "127.0.0.1", proxied.api.targets[0].connect_port or 0


@requirement("F29", "PRX-01")
def test_path_and_host_of_a_proxied_call(calling: Proxied) -> None:
    proxied, stack, api = calling, calling.stack, calling.api
    session = start_session(stack, handout="proxy")
    with watched(*own_places(stack), api_place(proxied)) as watch:
        for what, url in urls():
            plain = "".join(character for character in url if "!" <= character <= "~")
            for path in (quote(url, safe=""), quote(url, safe="/:@"), plain, "x/" + quote(url, safe="/:@")):
                proxied.call(session, path=f"/proxy/demo/{path}")
            for host in (plain, urlsplit_host(plain)):
                got = proxied.call(session, path="/proxy/demo/notes", headers={"Broker-Host": host})
                assert got.status == 400, what
            assert_stayed_home(watch, what, public=False)
        assert {asked.host for asked in api.asked} <= {HOST, LISTED}
        assert all(asked.target.startswith("/v1/") for asked in api.asked), [one.target for one in api.asked]


REGISTERED = (
    "logo_uri", "jwks_uri", "client_uri", "policy_uri", "tos_uri", "initiate_login_uri", "sector_identifier_uri",
    "backchannel_logout_uri", "frontchannel_logout_uri", "software_statement",
)  # fmt: skip


@requirement("F29", "REG-03")
def test_what_a_registration_names_is_never_fetched(names: NameServer, make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(registration="open", registration_per_address=9999, registration_per_day=9999)
    with watched(*own_places(stack)) as watch:
        for what, url in urls():
            for member in REGISTERED:
                document = {"redirect_uris": [f"https://{NAME}/cb"], member: url}
                assert post_json(stack, document) in (201, 400)
            status = post_json(stack, {"redirect_uris": [url]})
            assert status in (201, 400) and (what != "a good one" or status == 201)
            assert_stayed_home(watch, what, public=False)
        assert names.asked == []


@requirement("F29", "CIMD-02", "FETCH-01")
def test_a_client_that_is_named_by_a_url(names: NameServer, make_stack: Callable[..., Stack]) -> None:
    wide = dict.fromkeys(("address", "host", "minute"), 10**6)
    limits = {f"document_fetches_per_{name}": limit for name, limit in wide.items()}
    stack = make_stack(client_id_documents=True, **limits)
    client, _ = stack.client()
    with watched(*own_places(stack)) as watch:
        for what, url, answers in TRICKS:
            names.answers = list(answers)
            for client_id in (url, f"{url}app.json"):
                assert stack.authorize(stack.authorize_parameters(client, client_id=client_id)).status == 400, what
            assert_stayed_home(watch, what)
    assert not stack.deployment.scan("CIMD#", Client)


def post_json(stack: Stack, document: dict[str, Any]) -> int:
    body, headers = json.dumps(document), {"Content-Type": "application/json"}
    return request(stack.netloc, "POST", "/register", body=body, headers=headers).status


@requirement("F29", "AUTHZ-17", "TOK-10")
def test_what_requests_and_tokens_name_is_never_fetched(guarded: Stack, names: NameServer, watch: Watch) -> None:
    session = start_session(guarded)
    client, asked = session.client, len(names.asked)
    for what, url in urls():
        more = dict.fromkeys(("request_uri", "resource", "login_hint", "id_token_hint", "registration", "claims"), url)
        for name, value in more.items():
            guarded.authorize(guarded.authorize_parameters(client, **{name: value}))
        guarded.authorize(guarded.authorize_parameters(client, redirect_uri=url))
        for token in tokens_that_name(session, url):
            assert guarded.userinfo(token).status == 401
            assert guarded.exchange(session.sign_in, token).status == 400
        for name in ("resource", "audience", "actor_token"):
            assert session.exchange(**{name: url}).status == 400, what
        headers = {"Authorization": f"Bearer {session.access}", "Content-Type": FORM}
        form = urlencode({"provider": "demo", "scope": "notes:read", "redirect_uri": url})
        assert request(guarded.netloc, "POST", "/connect", body=form, headers=headers).status == 400
        assert_stayed_home(watch, what, public=False)
    assert names.asked[asked:] == []


def tokens_that_name(session: Session, url: str) -> Iterator[str]:
    """Our own token with a header that says where its key would be found."""
    head, payload, signature = session.access.split(".")
    said = json.loads(base64.urlsafe_b64decode(head + "=="))
    for name in ("jku", "x5u"):
        header = base64.urlsafe_b64encode(json.dumps({**said, name: url}).encode()).rstrip(b"=").decode()
        yield f"{header}.{payload}.{signature}"
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    other = base64.urlsafe_b64encode(json.dumps({**claims, "iss": url}).encode()).rstrip(b"=").decode()
    yield f"{head}.{other}.{signature}"
