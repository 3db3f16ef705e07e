"""The operator's values: filled in wherever the file is used, and nothing is asked where they do not fit."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from chalicelib.adapters.http.provider_directory import ProviderDirectory
from chalicelib.providers.definition import ValueRefused, fill
from chalicelib.upstream.http import HttpResponse
from cli.deployment.operations import list_providers
from local.registrations import Unserviceable
from local.serve import build_parser, start
from tests.kit.provider_files import TENANTS, changed, read
from tests.kit.providers.provider_scene import Scene, error_of
from tests.kit.requirement import requirement

VALUES = {"region": "us", "tenant": "acme"}


@requirement("VAL-01")
def test_every_request_goes_where_the_operators_values_say(stage: Callable[..., Scene]) -> None:
    scene = stage(read(TENANTS), VALUES)
    assert scene.record.variables == VALUES
    assert scene.leave().startswith("https://us.team.example/acme/authorize?")
    scene.app.sign_in()
    scene.trial.hand_out()
    scene.trial.refresh()
    scene.trial.revoke()
    asked = scene.asked()
    for path in ("POST us.team.example/acme/token", "GET us.team.example/acme/me", "POST us.team.example/acme/revoke"):
        assert path in asked, asked
    assert not any("{" in one or "eu.team" in one for one in asked)


@requirement("VAL-01")
def test_a_default_stands_where_the_operator_gives_none() -> None:
    filled = fill(read(TENANTS), {"tenant": "acme"})
    assert filled.token_endpoint == "https://eu.team.example/acme/token"
    assert filled.identity.issuer == "https://eu.team.example/acme"
    assert filled.revocation.user_page == "https://eu.team.example/settings"
    assert filled.api is not None
    assert (filled.api.base_url, filled.api.hosts) == ("https://eu.team.example/v1", ("files-eu.team.example",))


@requirement("VAL-01")
@pytest.mark.parametrize(
    "variables",
    [{}, {"tenant": "a/b"}, {"tenant": "acme", "region": "asia"}, {"tenant": "acme", "region": "evil.example/"}],
)
def test_what_is_missing_or_does_not_fit_is_refused(variables: dict[str, str]) -> None:
    with pytest.raises(ValueRefused):
        fill(read(TENANTS), variables)


@requirement("VAL-01")
def test_a_rule_that_admits_dots_admits_none_in_a_label_of_a_host() -> None:
    definition = read(
        changed(TENANTS, ("https://{region}.team.example/{tenant}/token", "https://{tenant}.team.example/"))
    )
    with pytest.raises(ValueRefused):
        fill(definition, {"tenant": "evil.example"})


@requirement("VAL-01")
def test_values_that_fit_no_more_switch_the_provider_off(stage: Callable[..., Scene]) -> None:
    """The file has changed since they were set: nobody is sent anywhere, no token is handed out, nothing is a fault."""
    scene = stage(read(TENANTS), VALUES)
    scene.app.sign_in()
    held, url = scene.app.hand_out(), scene.leave()
    asked = len(scene.asked())
    scene.set_variables(region="us", tenant="../evil")
    assert scene.app.ask_hand_out().status == 400
    refused = scene.app.ask_hand_out().json()
    assert (refused["error"], refused["reason"], refused["retry"]) == ("invalid_target", "not_connected", "never")
    callback = scene.app.person.decide(url).location
    came = scene.app.person.get(callback)
    assert came.status == 400 and scene.player.count("token") == 1
    page = scene.authorize()
    assert (page.status, error_of(page)) == (303, "invalid_scope")  # as for a provider that is not switched on
    assert "provider_value_refused" in scene.trial.shop.log.getvalue()
    assert "../evil" not in scene.trial.shop.log.getvalue()
    ended = scene.app.end(held["connection_id"])
    assert ended["at_provider"] == "failed" and "provider_settings" not in ended
    assert [one for one in scene.asked()[asked:] if "authorize" not in one] == []


@requirement("VAL-01")
def test_an_expired_token_is_not_refreshed_either(stage: Callable[..., Scene]) -> None:
    scene = stage(read(TENANTS), VALUES)
    scene.app.sign_in()
    scene.app.hand_out()
    scene.trial.shop.clock.advance(7200)
    scene.app.renew()
    scene.set_variables(region="us")
    refused = scene.app.ask_hand_out()
    assert (refused.status, refused.json()["error"]) == (400, "invalid_target")
    assert scene.player.count("token") == 1


@requirement("VAL-01")
def test_two_fillings_of_one_file_share_what_was_found_and_not_what_the_file_says() -> None:
    """Discovery is kept by issuer; what the file names itself stands before it, for each connection anew."""
    asked: list[str] = []

    class Fetcher:
        def fetch(self, request: object, **limits: object) -> HttpResponse:
            issuer = request.url.removesuffix("/.well-known/openid-configuration")
            asked.append(issuer)
            named = {name: f"{issuer}/{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
            body = json.dumps({"issuer": issuer, **named}).encode()
            return HttpResponse(status=200, headers={"content-type": "application/json"}, body=body)

    class Clock:
        def now(self) -> int:
            return 1000

    found = replace(read(TENANTS), discovery=True, authorization_endpoint=None, revocation_endpoint=None)
    definition = replace(found, token_endpoint="https://{region}.team.example/{tenant}/own")
    directory = ProviderDirectory(Fetcher(), Clock())
    acme, other = (fill(definition, {"tenant": tenant}) for tenant in ("acme", "other"))
    first, second = directory.endpoints(acme, None), directory.endpoints(other, None)
    assert (first.issuer, second.issuer) == ("https://eu.team.example/acme", "https://eu.team.example/other")
    assert (first.token_endpoint, second.token_endpoint) == (f"{first.issuer}/own", f"{second.issuer}/own")
    assert first.jwks_uri == f"{first.issuer}/jwks_uri" and asked == [first.issuer, second.issuer]
    elsewhere = replace(acme, token_endpoint="https://eu.team.example/elsewhere")
    assert directory.endpoints(elsewhere, None).token_endpoint == "https://eu.team.example/elsewhere"
    assert directory.endpoints(acme, None) == first and len(asked) == 2


def test_serve_takes_the_values_from_the_registration(tmp_path: Path) -> None:
    text = TENANTS + '[registration]\nclient_id = "us"\n[registration.variables]\nregion = "us"\n'
    (tmp_path / "team.toml").write_text(text.replace("client_secret_post", "none"))
    with pytest.raises(Unserviceable, match="tenant is missing: Tenant, as acme; write it below"):
        start(build_parser().parse_args(["--port", "0", "--providers", str(tmp_path)]))
    (tmp_path / "team.toml").write_text((tmp_path / "team.toml").read_text() + 'tenant = "acme"\n')
    running = start(build_parser().parse_args(["--port", "0", "--providers", str(tmp_path)]))
    try:
        (record,) = (one for one in list_providers(running.deployment) if one.provider_id == "team")
        assert record.variables == VALUES
    finally:
        running.stop()
