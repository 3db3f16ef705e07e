"""Header values that are lists (RFC 9110 section 5.6.1), read character by character: any text costs linear time."""

from collections.abc import Mapping

from chalicelib.protocol.ascii_text import trim

QUOTED: Mapping[str, str] = {'"': '"'}
QUOTED_OR_ANGLED: Mapping[str, str] = {'"': '"', "<": ">"}


def split_list(text: str, separator: str, *, brackets: Mapping[str, str] = QUOTED) -> list[str]:
    """The parts between separators outside brackets, trimmed. An unclosed bracket extends to the end.

    brackets   opening character -> closing character
    """
    parts, begin, closing, is_escaped = list[str](), 0, "", False
    for index, character in enumerate(text):
        if closing:
            if not is_escaped and character == closing:
                closing = ""
            is_escaped = not is_escaped and closing == '"' and character == "\\"
        elif character == separator:
            parts.append(trim(text[begin:index]))
            begin = index + 1
        else:
            closing = brackets.get(character, "")
    return [*parts, trim(text[begin:])]


def unquote(text: str) -> str:
    """A token or a quoted string without its quotes; escapes in it stay as they are."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
