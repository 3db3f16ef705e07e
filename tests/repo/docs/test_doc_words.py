"""Words of the broker that the pages name are the broker's: settings, error codes, reasons, defaults, options."""

import re

import pytest

from chalicelib.config import ConfigurationError, read_settings
from chalicelib.protocol import errors
from chalicelib.records.settings import Settings
from cli.explanation.registry import find_reason
from cli.main import build_parser
from tests.kit.markdown import ROOT, pages, read

DOCS = [page for page in pages() if page.startswith("docs/") or page in ("README.md", "SECURITY.md")]
# Variables of a demo, a shell block or a simulated provider: no settings of the broker.
OTHERS = {"BROKER_CONTROL", "BROKER_DEMO", "BROKER_CLIENT_ID", "BROKER_CALENDAR", "BROKER_GITHUB", "BROKER_STATE"}
CODES = {one.code for one in vars(errors).values() if isinstance(one, type) and hasattr(one, "code")}
HEADS = r"`?error`?|status, `error`|`?reason`?|reason in the log(?: if violated)?|response of `/token`"
DEFAULTS = Settings(issuer="https://broker.example")


def named() -> list[tuple[str, str]]:
    """(page, word) of every cell below a head that speaks of error codes or reasons."""
    found = []
    for page in DOCS:
        for table in re.findall(r"(?m)^\|.*\n\|[-| :]+\n(?:\|.*\n?)+", read(page)):
            head, _, *rows = ([cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines())
            for place in [place for place, title in enumerate(head) if re.fullmatch(HEADS, title)]:
                for row in rows:
                    found += [(page, word) for word in re.findall(r"`([a-z]+_[a-z_]+)`", row[place])]
    return found


def test_every_error_code_and_every_reason_in_a_table_is_one_of_the_brokers() -> None:
    words = named()
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "chalicelib").rglob("*.py"))
    assert {"docs/fapi2.md", "docs/bff.md", "docs/device.md", "docs/dpop.md", "docs/client-keys.md"} <= {
        page for page, _ in words
    }
    unknown = [(page, word) for page, word in words if word not in CODES and not find_reason(word)]
    assert [(page, word) for page, word in unknown if f'"{word}"' not in source] == []


def test_every_setting_that_a_page_names_is_one() -> None:
    fields = {f"BROKER_{name.upper()}" for name in Settings.__struct_fields__}
    wrong = {
        (page, name)
        for page in DOCS
        for name in re.findall(r"BROKER_[A-Z]+(?:_[A-Z]+)*(?![A-Z_*.])", read(page))
        if name not in fields | OTHERS
    }
    assert wrong == set()


@pytest.mark.parametrize(("page", "prefix"), [("docs/device.md", "device_"), ("docs/dpop.md", "dpop_")])
def test_a_page_of_one_thing_names_all_its_settings(page: str, prefix: str) -> None:
    assert {name for name in Settings.__struct_fields__ if name.startswith(prefix)} <= {
        name.lower() for name in re.findall(r"BROKER_([A-Z_]+)", read(page))
    }


def test_a_number_behind_a_setting_is_its_default() -> None:
    found = [pair for page in DOCS for pair in re.findall(r"`BROKER_([A-Z_]+)` \((\d+)\)", read(page))]
    assert len(found) >= 4
    assert [(name, said) for name, said in found if str(getattr(DEFAULTS, name.lower())) != said] == []
    assert (DEFAULTS.bff_idle_seconds, DEFAULTS.bff_end_seconds) == (3600, 12 * 3600)  # docs/bff.md, in words


def test_what_the_profile_refuses_is_what_its_page_says() -> None:
    wrong = dict(re.findall(r"`(BROKER_[A-Z_]+)=(false|true)`", read("docs/fapi2.md"))) | {"BROKER_CODE_SECONDS": "61"}
    with pytest.raises(ConfigurationError) as refused:
        read_settings({"BROKER_ISSUER": "https://broker.example", "BROKER_PROFILE": "fapi2", **wrong})
    assert len(refused.value.faults) == len(wrong) == 3


def test_the_page_of_registration_names_every_option_of_its_command() -> None:
    known = set(vars(build_parser().parse_args(["registration-token", "create"])))
    options = known - {"group", "verb", "command", "json", "stack", "force", "act", "note"}
    said = set(re.findall(r"`--([a-z-]+)[^`]*`", read("docs/registration.md").partition("## Register")[0]))
    assert {name.replace("_", "-") for name in options} <= said
