"""A person with a browser of their own: no script, but cookies, as all that the libraries of another process need."""

from urllib.parse import parse_qsl, urlsplit

from tests.kit.http.browser import Answer, read_page
from tests.kit.http.stack import Stack


class Person:
    """Alice. The browser that she signed in with last is kept: it holds her session."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.browser = stack, stack.browser()

    def sign_in(self, authorization_url: str) -> str:
        """Allow on our page, sign in at the provider: the URL at which the app is called back."""
        self.browser = self.stack.browser()
        page = self.browser.get(authorization_url)
        assert page.status == 200, page.body[-500:]
        return self._decide(page).location

    def approve(self, verification_uri: str) -> str:
        """Open what a device shows, type its code where the address does not hold it already, and sign in."""
        self.browser = self.stack.browser()
        field = read_page(self.browser.get(verification_uri).body)
        typed = dict(parse_qsl(urlsplit(verification_uri).query))
        page = self.browser.post(field.action, typed)
        assert page.status == 200, page.body[-500:]
        return self._decide(page).body

    def leave(self, end_session_url: str) -> str:
        """Sign out of the broker: the URL at which the browser ends."""
        assert "tb_session" in self.browser.cookies
        left = self.browser.get(end_session_url)
        assert left.status == 303 and "tb_session" not in self.browser.cookies, left.body[-500:]
        return left.location

    def _decide(self, page: Answer) -> Answer:
        left = self.stack.decide(self.browser, page, provider="demo")
        assert left.status == 200, left.body[-500:]
        back = self.browser.get(self.stack.provider.sign_in(left.location, "alice"))
        assert back.status in (200, 303), (back.status, back.body[-800:], self.stack.log.getvalue()[-800:])
        return back


def without_query(url: str) -> str:
    """The address alone."""
    return urlsplit(url)._replace(query="").geturl()
