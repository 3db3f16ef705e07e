"""Devices that wait for a person: polls in time and too early, Allow and Cancel, and the grant that comes of it."""

from dataclasses import dataclass
from typing import Any

from hypothesis.stateful import Bundle, multiple, rule

from chalicelib.protocol.handles import parse_handle
from tests.concurrency.fuzz.chain import begin
from tests.concurrency.fuzz.custody import CustodyRules
from tests.concurrency.fuzz.held import Held
from tests.concurrency.fuzz.sign_ins import APPS, PEOPLE
from tests.kit.http.browser import Answer, Browser
from tests.kit.http.device import Device, ask, cancel

DEVICE_SECONDS, POLL_SECONDS, SLOWER_SECONDS = 600, 5, 5


@dataclass
class Waiting:
    """A device with its code, while nobody has decided. `rests_until`: a poll before that is too early."""

    device: Device
    app: int
    ends_at: int
    interval: int = POLL_SECONDS
    rests_until: int = 0
    is_denied: bool = False
    held: Held | None = None

    def poll(self, now: int) -> str:
        """What the device is told (RFC 8628 section 3.5)."""
        if self.is_denied:
            return "access_denied"
        if self.ends_at <= now:
            return "expired_token"
        early = now < self.rests_until
        self.interval += SLOWER_SECONDS * early
        self.rests_until = now + self.interval
        return "slow_down" if early else "authorization_pending"


class DeviceRules(CustodyRules):
    """What a device does, and the person in front of another screen."""

    devices = Bundle("devices")

    @rule(target=devices, app=APPS)
    def show_code(self, app: int) -> Waiting:
        """A device asks, and shows its user a code."""
        device = ask(self.stack, *self.apps[app])
        self.ground.secrets.add(device.told["device_code"])
        return Waiting(device, app, self.now() + DEVICE_SECONDS)

    @rule(waiting=devices)
    def poll(self, waiting: Waiting) -> None:
        """Too early, in time, or too late."""
        if waiting.held is None:
            expected = waiting.poll(self.now())
            answer = self.ground.send(waiting.device.poll).answer
            assert answer is not None and (answer.status, answer.json["error"]) == (400, expected), expected

    @rule(target=CustodyRules.grants, waiting=devices, who=PEOPLE)
    def allow(self, waiting: Waiting, who: str) -> Any:
        """Somebody types the code, allows, and signs in; whose device it is counts for nothing."""
        link = self.link(waiting.app, who)
        if self.now() <= max(link.ended_at, link.void_at):  # what is decided in the second of an end is over with it
            return multiple()
        browser, page = self.open_page(waiting)
        if page is None:
            return multiple()
        done = self.ground.send(lambda: browser.get(waiting.device.allow(browser, page, who))).answer
        assert done is not None and "You’re signed in on your device" in done.body, done
        device, keys = waiting.device, self.stack.broker.keys
        link.excuse = set()
        waiting.held = self.hold(
            parse_handle(device.told["device_code"], "device", keys.get("handle"), epoch=0, homes="a").grant_id,
            Held(device.client, device.secret, link, device.poll, decided_at=self.now()),
        )
        assert waiting.held.chain == begin(self.now())
        return waiting.held

    @rule(waiting=devices)
    def refuse(self, waiting: Waiting) -> None:
        """Somebody types the code, and cancels."""
        browser, page = self.open_page(waiting)
        if page is not None:
            assert cancel(self.stack, browser, page).status == 200
            waiting.is_denied = True

    def open_page(self, waiting: Waiting) -> tuple[Browser, Answer | None]:
        """Where it can be decided about the device; None once it has been, or is too late."""
        browser, page = waiting.device.type()
        is_open = waiting.held is None and not waiting.is_denied and self.now() < waiting.ends_at
        assert ('name="decision"' in page.body) == is_open, page.body[-400:]
        return browser, page if is_open else None
