"""Provider files: ours are sound, and a bad one is refused with everything that is wrong with it."""

import datetime
from pathlib import Path

import pytest

from chalicelib.providers.catalog import OUR_FILES, check_registrations_apart, load_catalog
from chalicelib.providers.definition import InvalidDefinition, parse_definition
from tests.kit.requirement import requirement

OURS = sorted(OUR_FILES.glob("*.toml"))
GOOD = (OUR_FILES / "github.toml").read_text()
OPENID = (OUR_FILES / "google.toml").read_text()


def faults_of(text: str) -> str:
    with pytest.raises(InvalidDefinition) as refusal:
        parse_definition(text, source="x.toml")
    return "\n".join(refusal.value.faults)


def test_the_catalog_holds_our_files_and_no_demo_provider():
    catalog = load_catalog()
    assert catalog.ids == {path.stem for path in OURS}
    assert catalog.ids >= {"discord", "github", "gitlab", "google", "oidc", "spotify", "x"}
    assert catalog.get("demo") is None
    assert catalog.get("no-such-provider") is None


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_a_file_of_ours_says_where_it_is_documented_and_when_that_was_read(path):
    definition = load_catalog().get(path.stem)
    assert definition.documentation
    assert datetime.date(2026, 1, 1) <= definition.checked_on <= datetime.date.today()  # noqa: DTZ011
    assert all(link.startswith("https://") for link in definition.documentation)


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_every_scope_that_a_file_of_ours_knows_has_plain_words(path):
    definition = load_catalog().get(path.stem)
    named = {*definition.scope_includes, *definition.sign_in_scopes}
    assert {scope for scope in named if "userinfo." not in scope} <= definition.scopes.keys()
    for text in definition.scopes.values():
        assert text.title[0].islower()
        assert not text.title.endswith(".")


@requirement("CB-07")
@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_a_file_of_ours_that_switches_pkce_off_says_why_and_each_openid_one_sends_a_nonce(path):
    definition = load_catalog().get(path.stem)
    assert definition.authorization.pkce != "off" or any("PKCE" in note for note in definition.notes)
    assert definition.authorization.nonce == definition.is_openid


def test_every_fault_is_named_at_once():
    bad = GOOD.replace('display_name = "GitHub"', "display_name = 7").replace('kind = "none"', 'kind = "sometimes"')
    bad = 'surprise = "yes"\n' + bad.replace("checked_on", "checked_in")
    faults = faults_of(bad)
    for word in ("surprise", "display_name", "refresh", "checked_on is missing", "unknown key checked_in"):
        assert word in faults


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('provider_id = "github"', 'provider_id = "Git:Hub"', "provider_id"),
        ("https://github.com/login/oauth/access_token", "http://github.com/login/oauth/access_token", "token_endpoint"),
        ("https://api.github.com/user/emails", "https://user:x@api.github.com/", "identity.email_list.endpoint"),
        ('["read:user", "user:email"]', "[]", "sign_in_scopes is empty"),
        ('["read:user", "user:email"]', '["read user"]', "scope name"),
        ('issuer = "https://github.com"\n', "", "identity.issuer is missing"),
        ('userinfo_endpoint = "https://api.github.com/user"', "", "userinfo_endpoint is missing"),
        ('pkce = "on"', 'parameters = { include_granted_scopes = "true" }', "include_granted_scopes"),
        ('pkce = "on"', 'parameters = { redirect_uri = "x" }', "redirect_uri"),
        ('pkce = "on"', 'scope_separator = ";"', "scope_separator"),
        ('kind = "none"', 'kind = "rotating"\ngrace = "same"', "grace_seconds"),
        ('url = "https://api.github.com/applications/{client_id}/token"', "", "revocation.url"),
        ("[api]", '[registration]\nclient_id = "x"\nclient_secret = "plain"\n[api]', "env:NAME"),
        ("[api]", "[api", "not TOML"),
    ],
)
def test_a_bad_line_is_refused(old, new, fault):
    assert GOOD.count(old) >= 1
    assert fault in faults_of(GOOD.replace(old, new, 1))


@requirement("CB-07", "CB-08")
@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("nonce = true", "nonce = false", "nonce must be true"),
        ('id_token_signing_alg_values_supported = ["RS256"]', "", "id_token_signing_alg_values_supported"),
        ('["RS256"]', '["HS256"]', "id_token_signing_alg_values_supported"),
        ('["RS256"]', '["none"]', "id_token_signing_alg_values_supported"),
        ('["openid", "email", "profile"]', '["email"]', "must contain openid"),
        ("discovery = true", "", "authorization_endpoint is missing"),
    ],
)
def test_an_openid_file_cannot_leave_out_what_proves_the_id_token(old, new, fault):
    assert fault in faults_of(OPENID.replace(old, new, 1))


def test_an_operators_folder_adds_and_replaces(tmp_path: Path):
    (tmp_path / "github.toml").write_text(GOOD.replace('display_name = "GitHub"', 'display_name = "Our GitHub"'))
    (tmp_path / "intra.toml").write_text(OPENID.replace('"google"', '"intra"'))
    catalog = load_catalog(tmp_path)
    assert catalog.get("github").display_name == "Our GitHub"
    assert "intra" in catalog.ids


def test_a_file_of_ours_is_read_when_it_is_needed_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    real = Path.read_text
    monkeypatch.setattr(Path, "read_text", lambda path, **more: read.append(path.name) or real(path, **more))
    catalog = load_catalog()
    assert (read, catalog.ids) == ([], {path.stem for path in OURS})
    assert catalog.get("github") is catalog.get("github") is not None
    assert read == ["github.toml"]


def test_every_fault_of_every_file_of_a_folder_is_named_at_once(tmp_path: Path):
    (tmp_path / "one.toml").write_text("x = ")
    (tmp_path / "two.toml").write_text(GOOD)
    (tmp_path / "three.toml").write_bytes(b"\xff")
    with pytest.raises(InvalidDefinition) as refusal:
        load_catalog(tmp_path, tmp_path / "missing")
    text = str(refusal.value)
    for word in (
        "one.toml: not TOML",
        "two.toml: the file must be named",
        "three.toml: cannot be read",
        "missing is not",
    ):
        assert word in text


@requirement("CB-06")
def test_one_app_registration_behind_two_provider_ids_is_refused():
    apart = {"github": ("https://github.com/login/oauth", "a"), "intra": ("https://github.com/login/oauth", "b")}
    check_registrations_apart(apart)
    with pytest.raises(InvalidDefinition, match="github and intra share one registration"):
        check_registrations_apart({**apart, "intra": apart["github"]})
