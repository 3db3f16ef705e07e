"""Where a browser goes on after a sign-in that an app's page began: a path, which stands behind an origin of ours to
choose (BFF-04, RFC 9700 section 4.11.1)."""

import re

HOME = "/"
MAX_PATH = 1024
# Printable ASCII without quotes, angle brackets, backslash and the like: nothing that a browser would repair.
_PATH = re.compile(r"/(?!/)[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*")


def choose_return(asked: str | None) -> str:
    """The path that was asked for, or the home of the app for whatever is none."""
    if asked is None or len(asked) > MAX_PATH or not _PATH.fullmatch(asked):
        return HOME
    return asked
