"""Which origins are on the issuer's site, as browsers define it: only their pages send its cookies.

Browsers use the Public Suffix List, which is long and changes. This module has only the suffixes of large hosting
providers, and a pattern for second-level country domains. A mistake here is safe: the browser does not send the cookie.
"""

import re
from urllib.parse import urlsplit

SHARED = (
    *("amazonaws.com", "on.aws", "cloudfront.net", "amplifyapp.com", "awsapprunner.com", "elasticbeanstalk.com"),
    *("appspot.com", "firebaseapp.com", "run.app", "web.app", "azurestaticapps.net", "azurewebsites.net"),
    *("fly.dev", "github.io", "gitlab.io", "herokuapp.com", "netlify.app", "onrender.com", "pages.dev"),
    *("railway.app", "surge.sh", "vercel.app", "workers.dev"),
)
_OF_A_COUNTRY = re.compile(r"(?:ac|co|com|edu|go|gob|gov|ne|net|or|org)\.[a-z]{2}")
_ORIGIN = re.compile(r"https?://(?:\[::1\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::[1-9][0-9]{0,4})?")
_ADDRESS = re.compile(r"\[.*\]|[0-9.]+")


def find_fault(origin: str, issuer: str) -> tuple[str, str] | None:
    """The fault of an app's origin and the next step; None if a browser sends the cookie."""
    if not _ORIGIN.fullmatch(origin) or origin.endswith((":80", ":443")):
        return (
            f"{origin} is not an origin",
            "give scheme, host and optional port in lower case: https://app.example.com",
        )
    page, ours = urlsplit(origin), urlsplit(issuer)
    if (page.scheme, page.netloc) == (ours.scheme, ours.netloc):
        said = f"{origin} is the broker's own origin: a script there could press the buttons of its pages"
        return said, "serve the app from another host of the same site"
    if page.scheme != ours.scheme:
        return f"{origin} and {issuer} have different schemes", f"serve the app over {ours.scheme}"
    if not _share_a_site(page.hostname or "", ours.hostname or ""):
        said = f"{origin} is not on the same site as {issuer}: its pages would not send the cookie"
        return said, "serve both under one domain, such as app.example.com and broker.example.com"
    return None


def _share_a_site(first: str, second: str) -> bool:
    if first == second:
        return True
    if _ADDRESS.fullmatch(first) or _ADDRESS.fullmatch(second):
        return False
    common = list[str]()
    for mine, other in zip(reversed(first.split(".")), reversed(second.split(".")), strict=False):
        if mine != other:
            break
        common.insert(0, mine)
    site = ".".join(common)
    if len(common) < 2 or _OF_A_COUNTRY.fullmatch(site):
        return False
    return not any(f".{site}".endswith(f".{suffix}") for suffix in SHARED)
