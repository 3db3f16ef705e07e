"""Texts that JSON can say and nothing can store."""

import json


def check_letters(document: object) -> None:
    """Refuse half of a letter (a lone surrogate) anywhere in a decoded document: UTF-8 has no bytes for it.

    Raises ValueError.
    """
    json.dumps(document, ensure_ascii=False).encode()
