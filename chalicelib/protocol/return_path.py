"""The return path of a sign-in that an app's page started. It is appended to an origin that the broker chooses.

See BFF-04 and RFC 9700 section 4.11.1.
"""

import re

HOME = "/"
MAX_PATH = 1024
# Printable ASCII without quotes, angle brackets, backslash and the like: nothing that a browser would repair.
_PATH = re.compile(r"/(?!/)[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*")


def choose_return(asked: str | None) -> str:
    """The requested path; for any invalid value, the home path of the app."""
    if asked is None or len(asked) > MAX_PATH or not _PATH.fullmatch(asked):
        return HOME
    return asked
