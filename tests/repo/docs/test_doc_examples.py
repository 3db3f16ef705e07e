"""The programs on the pages run as they stand, at a broker."""

import json
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from cli.deployment.operations import find_client
from tests.kit.http.assertions import new_key
from tests.kit.http.browser import Browser
from tests.kit.http.device import Device
from tests.kit.http.proxied import Api, start_proxied
from tests.kit.http.stack import Parts, Stack, own_parts
from tests.kit.http.tokens import read_claims
from tests.kit.markdown import ROOT
from tests.repo.docs.doc_examples import Shell, examples, run_program


@pytest.fixture
def parts() -> Iterator[Parts]:
    """A broker's surroundings of its own."""
    with own_parts() as parts:
        yield parts


def on_the_wall_clock(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """For programs that read the time by themselves."""
    monkeypatch.setattr(stack.clock, "now", lambda: int(time.time()))
    return stack


def test_the_example_of_endpoints_gets_the_providers_data(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    stack, (example,) = Stack(parts), examples("docs/endpoints.md", "python")
    assert len([line for line in example.text.splitlines() if line.strip()]) <= 15
    client, _ = stack.client()

    def send_the_browser_to(url: str) -> str:
        browser = Browser(stack.netloc)
        left = stack.decide(browser, browser.get(url), provider="demo")
        return browser.get(stack.provider.sign_in(left.location, "alice")).location

    names = {
        "CLIENT_ID": client.client_id,
        "REDIRECT_URI": client.redirect_uris[0],
        "BROKER": stack.settings.issuer,
        "NOTES": stack.provider.url + "/api/notes",
        "send_the_browser_to": send_the_browser_to,
    }
    run_program(example, names)
    assert names["who"]["sub"] and names["notes"]["owner"] == "alice"  # type: ignore[index]


def test_a_key_is_made_registered_and_used_as_the_page_says(
    parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.chdir(tmp_path)
    shell = Shell(on_the_wall_clock(Stack(parts, provider_dirs=(str(ROOT / "local" / "providers"),)), monkeypatch))
    found = examples("docs/client-keys.md", "sh", "python")
    assert [block.language for block in found] == ["python", "sh", "python", "python", "sh"]
    for block in found:
        if block.language == "python":
            run_program(block, {**shell.names})
        else:
            (done,) = shell.run(block)
            shell.learn(done)
    tokens = capsys.readouterr().out.split()
    assert len(set(tokens)) == 2 and all(token.count(".") == 2 for token in tokens)


def test_the_app_of_the_device_page_signs_in(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stack, (program,) = Stack(parts), examples("docs/device.md", "python")
    (register,) = [block for block in examples("docs/device.md", "sh") if " client " in block.text]
    ((made),) = Shell(stack).run(register)
    waited: list[int] = []

    def sleep(seconds: int) -> None:
        """The user acts in the third interval; until then the broker's clock stands still: the second poll is early."""
        waited.append(seconds)
        if len(waited) == 3:
            stack.clock.advance(seconds)
            (code,) = re.findall(r"type ([A-Z-]+)", capsys.readouterr().out)
            Device(stack, stack.client()[0], None, {"user_code": code}).approve()

    monkeypatch.setattr(sys, "argv", ["device_app.py", made["client_id"]])
    text = program.text.replace("http://127.0.0.1:8080", stack.settings.issuer)
    run_program(program, {"sleep": sleep}, text=text.replace("from time import sleep\n", ""))
    assert (capsys.readouterr().out, waited) == ("Signed in.\n", [5, 5, 10])


@pytest.mark.parametrize("wanted", ["optional", "required"])
def test_the_app_of_the_dpop_page_works_with_a_nonce_and_without(parts: Parts, tmp_path: Path, wanted: str) -> None:
    api = Api(tmp_path)
    stack: Stack = start_proxied(lambda **more: Stack(parts, dpop_nonce=wanted, **more), api, tmp_path).stack
    (program,), (register,) = (
        examples("docs/dpop.md", "python"),
        [block for block in examples("docs/dpop.md", "sh") if " client " in block.text],
    )
    ((made),) = Shell(stack).run(register)
    sign_in = stack.sign_in(
        find_client(stack.deployment, made["client_id"]), scope="openid offline_access demo:notes:read"
    )
    names: dict[str, Any] = {
        "BROKER": stack.settings.issuer,
        "CLIENT_ID": made["client_id"],
        "CODE": sign_in.code,
        "VERIFIER": sign_in.verifier,
        "REDIRECT_URI": sign_in.redirect_uri,
    }
    run_program(program, names)
    api.stop()
    assert names["who"]["sub"] and names["notes"] == {"fine": True}
    assert names["tokens"]["token_type"] == "DPoP"
    assert read_claims(names["tokens"]["access_token"])["cnf"] == {"jkt": names["key"].thumbprint()}
    assert (names["nonce"] is not None) is (wanted == "required")


def test_the_app_of_the_fapi2_page_works_under_the_profile(
    parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folders = (str(ROOT / "local" / "providers"),)
    stack = on_the_wall_clock(Stack(parts, profile="fapi2", provider_dirs=folders), monkeypatch)
    key = new_key("ES256")
    Path("private.json").write_text(json.dumps({**key.private.as_dict(private=True), "kid": key.kid}))
    Path("jwks.json").write_text(json.dumps({"keys": [key.public]}))
    (register,), (begin, go_on) = examples("docs/fapi2.md", "sh"), examples("docs/fapi2.md", "python")
    ((made),) = Shell(stack).run(register)
    assert made["require_pushed_authorization_requests"] and made["dpop_bound_access_tokens"]
    names: dict[str, Any] = {"BROKER": stack.settings.issuer, "CLIENT_ID": made["client_id"]}
    names["REDIRECT_URI"] = made["redirect_uris"][0]
    run_program(begin, names)
    place, browser = urlsplit(names["link"]), stack.browser()
    left = stack.decide(browser, browser.get(f"{place.path}?{place.query}"), provider="demo")
    answer = browser.get(stack.provider.sign_in(left.location, "alice"))
    assert (answer.answered["state"], answer.answered["iss"]) == (names["state"], stack.settings.issuer)
    names["CODE"] = answer.answered["code"]
    run_program(go_on, names)
    tokens, again = names["tokens"], names["again"]
    assert names["who"]["sub"] and again["refresh_token"] == tokens["refresh_token"]
    assert read_claims(again["access_token"])["cnf"] == {"jkt": names["token_key"].thumbprint()}
