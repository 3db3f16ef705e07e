"""The user of an agent: a browser, and the clicks that let the agent in."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from local.browser import Browser, read_page


class StepRefused(Exception):
    """A step of the agent failed; the message contains the server's explanation."""


@dataclass
class User:
    """Alice. provider: where she signs in."""

    provider: str
    browser: Browser = field(default_factory=Browser)

    def allow(self, url: str, redirect_uri: str) -> str:
        """Follow an authorization URL, allow what the page asks, sign in; where the browser is sent in the end.

        Raises StepRefused.
        """
        page = self.browser.get(url)
        there = page.location
        if not there:
            if page.status != 200 or not read_page(page.text).forms:
                raise StepRefused(f"{page.status} {' '.join(read_page(page.text).heading.split())}")
            there = self.browser.press_allow(page, "demo").location
        if urlsplit(there).netloc == urlsplit(self.provider).netloc:
            there = self.browser.submit(self.browser.get(there), "decision", "alice").location
            there = self.browser.get(there).location
        if not there.startswith(redirect_uri):
            raise StepRefused("the browser does not come back to the agent")
        return there
