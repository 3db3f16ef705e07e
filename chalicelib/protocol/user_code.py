"""What a person reads on a device and types elsewhere (RFC 8628 sections 5.1 and 6.1).

Twenty consonants, so that no word comes out and nothing is mistaken for a digit; eight of them are 34 bits, which the
counted tries, ten minutes and the number of live codes make enough.
"""

import unicodedata

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
LENGTH = 8
RANDOM_BYTES = 16


def draw_user_code(random: bytes) -> str:
    """Eight letters; of 16 random bytes no letter is likelier than another by more than 2^-93."""
    number = int.from_bytes(random)
    letters = []
    for _ in range(LENGTH):
        number, letter = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[letter])
    return "".join(letters)


def show_user_code(code: str) -> str:
    """As people read it: BCDF-GHJK."""
    return f"{code[:4]}-{code[4:]}"


def parse_user_code(text: str | None) -> str | None:
    """The user code, regardless of case, width, dashes and spaces; None if the text cannot be a user code."""
    folded = unicodedata.normalize("NFKC", text or "").upper()
    code = "".join(character for character in folded if character.isalnum())
    return code if len(code) == LENGTH and set(code) <= set(ALPHABET) else None
