"""The parts of the demo: where they run, and what the app is told of them."""

from local.demo.parts import PARTS, SCOPES, Part, start_provider
from local.fake.demo_site import CALENDAR


def test_a_provider_whose_address_is_not_of_this_machine_shares_the_brokers() -> None:
    moved: list[str] = []
    provider = start_provider(Part("calendar", CALENDAR, "203.0.113.9", 8083), moved, free_ports=True)
    try:
        assert provider.url.startswith("http://127.0.0.1:")
        assert moved == [
            "203.0.113.9 is not an address of this machine: Demo Calendar shares 127.0.0.1 with the broker"
        ]
    finally:
        provider.stop()


def test_every_part_has_a_file_and_its_scopes_stand_in_it() -> None:
    from chalicelib.providers.catalog import load_catalog

    catalog = load_catalog("local/providers")
    for part in PARTS:
        definition = catalog.get(part.provider_id)
        assert definition is not None and definition.display_name == part.site.name
        assert {scope.partition(":")[2] for scope in part.scopes} <= definition.scopes.keys() & part.site.scopes.keys()
        assert set(part.scopes) <= SCOPES
