"""Schemes of programs on the user's device, as redirect URIs of native clients name them (RFC 8252 section 7.1).

RFC 8252 wants the reverse of a domain name. Programs of many vendors use a plain word with an authority instead, such
as `cursor://anysphere.cursor-mcp/oauth/callback`. Any other program on the device could register the same word, so
such a URI is for public clients alone, whose code is worth nothing without their PKCE verifier, and the page warns.
"""

import re

from chalicelib.protocol.ascii_text import words

# What browsers and operating systems handle themselves: a redirect there would run, open, call or send something.
_HANDLED = (
    "about acap afp android-app apt blob bluetooth callto chrome chrome-extension cid content data devtools dav "
    "dict dns edge facetime facetime-audio feed file filesystem finger fish ftp ftps geo git gopher http https "
    "ical icap im imap imaps intent ipp irc ircs itms itms-apps itms-appss itms-services jar javascript ldap "
    "ldaps livescript magnet mailto market mid mms mocha moz-extension msteams nfs news nntp opera pop pop3 prefs "
    "proxy res resource rlogin rmi rsync rtsp safari-extension search search-ms sftp shell shortcuts sip sips "
    "skype smb sms smsto snmp ssh steam stun stuns svn tel telnet telprompt tftp turn turns urn vbscript view- "
    "source vnc wais webcal ws wss wyciwyg xmpp"
)
HANDLED = frozenset(words(_HANDLED))
HANDLED_BEGINNINGS = ("ms-", "microsoft-", "chrome-", "x-apple", "apple-", "com.apple", "web+", "ext+")

_VENDOR = re.compile(r"([a-z][a-z0-9-]*)://([a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)(/[^?\[\]@]*)?(\?[^\[\]]*)?")


def match_vendor_uri(uri: str) -> tuple[str, str] | None:
    """Path and query of `scheme://authority/path` under a vendor's scheme; None for any other URI."""
    found = _VENDOR.fullmatch(uri)
    if found is None or not _is_vendors(found[1]):
        return None
    return found[3] or "", found[4] or ""


def _is_vendors(scheme: str) -> bool:
    return scheme not in HANDLED and not scheme.startswith(HANDLED_BEGINNINGS)
