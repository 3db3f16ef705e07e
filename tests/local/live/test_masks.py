"""Secrets keep their first characters and lose the rest, wherever they stand."""

import pytest

from local.live.masks import mask, mask_header, mask_url, mask_value
from tests.kit.requirement import requirement

SECRET = "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE"
CODE = f"tb_code_{SECRET}"
JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJlLW9mLWl0"


@requirement("LIVE-02")
@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        (CODE, "tb_code_Zm9vYm… (51 characters)"),
        (SECRET, "Zm9vYm… (43 characters)"),
        ("hunter2", "hu… (7 characters)"),
        (JWT, f"eyJhbG…{JWT[-6:]} ({len(JWT)} characters)"),
    ],
)
def test_a_secret_is_recognisable(secret: str, shown: str) -> None:
    assert mask(secret) == shown


@requirement("LIVE-02")
def test_it_is_masked_wherever_it_stands() -> None:
    places = [
        mask_value("code", SECRET),
        mask_value("anything", CODE),
        mask_value("nested", {"refresh_token": SECRET, "list": [{"client_secret": SECRET}], "text": f"see {CODE}!"}),
        mask_url(f"https://app.example/cb?code={SECRET}&state={SECRET}&iss=x"),
        mask_url(f"https://broker.example/connect/{SECRET}"),
        mask_value("connect_uri", f"https://broker.example/connect/{SECRET}?ui_locales=de"),
        mask_header("authorization", f"Bearer {SECRET}"),
        mask_header("authorization", f"Basic {SECRET}"),
        mask_header("cookie", f"a={SECRET}; b={SECRET}"),
        mask_header("set-cookie", f"a={SECRET}; Path=/; HttpOnly"),
        mask_header("location", f"https://app.example/cb?code={SECRET}"),
        mask_header("referer", f"https://app.example/cb?code={SECRET}"),
    ]
    assert [place for place in places if SECRET[8:] in str(place)] == []
    assert "Path=/; HttpOnly" in places[9] and "Bearer Zm9vYm" in places[6] and "iss=x" in places[3]


def test_what_is_no_secret_stays() -> None:
    document = {"token_type": "Bearer", "expires_in": 600, "tokens": [{"token": "refresh_token", "result": "revoked"}]}
    assert mask_value("answer", document) == document
