"""A screenshot with 256 colours at most: a page has few, so nothing is seen to be missing, at a third of the bytes."""

import struct
import zlib
from collections import Counter
from itertools import batched

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# To the nearest step of four: with wider ones, or cut off, the shadows of a dark page turn green.
STEPS = bytes(min((channel + 2) // 4 * 4, 255) for channel in range(256))


def reduce_colours(png: bytes) -> bytes:
    """The same picture with a palette (PNG specification, colour type 3)."""
    width, height, rows = _read(png)
    size = len(rows[0]) // width
    shades = [[bytes(pixel[:3]) for pixel in batched(row.translate(STEPS), size)] for row in rows]
    palette = [colour for colour, _ in Counter(pixel for row in shades for pixel in row).most_common(256)]
    place = {colour: index for index, colour in enumerate(palette)}
    for row in shades:
        for pixel in row:
            if pixel not in place:
                place[pixel] = min(range(len(palette)), key=lambda index: _distance(palette[index], pixel))
    drawn = b"".join(b"\0" + bytes(place[pixel] for pixel in row) for row in shades)
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    colours = bytes(channel for colour in palette for channel in colour)
    parts = ((b"IHDR", header), (b"PLTE", colours), (b"IDAT", zlib.compress(drawn, 9)), (b"IEND", b""))
    return SIGNATURE + b"".join(_chunk(kind, content) for kind, content in parts)


def _distance(one: bytes, other: bytes) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _read(png: bytes) -> tuple[int, int, list[bytearray]]:
    """Width, height and rows of an 8-bit RGB or RGBA picture that is not interlaced."""
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", png[16:29])
    if (depth, interlaced) != (8, 0) or kind not in (2, 6):
        raise ValueError("a screenshot of Chromium is 8-bit RGB or RGBA")
    data, at = b"", 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        data += png[at + 8 : at + 8 + length] if png[at + 4 : at + 8] == b"IDAT" else b""
        at += length + 12
    size = 3 if kind == 2 else 4
    return width, height, _unfilter(zlib.decompress(data), width * size, size)


def _unfilter(data: bytes, length: int, size: int) -> list[bytearray]:
    """Undo what each row says of itself (PNG specification, section 9)."""
    rows, above = [], bytearray(length)
    for start in range(0, len(data), length + 1):
        kind, row = data[start], bytearray(data[start + 1 : start + 1 + length])
        if kind == 2:
            row = bytearray((here + up) & 0xFF for here, up in zip(row, above, strict=True))
        for i in range(length) if kind in (1, 3, 4) else ():
            left, corner = (row[i - size], above[i - size]) if i >= size else (0, 0)
            row[i] = (row[i] + _predict(kind, left, above[i], corner)) & 0xFF
        rows.append(row)
        above = row
    return rows


def _predict(kind: int, left: int, above: int, corner: int) -> int:
    if kind == 4:
        guess = left + above - corner
        return min((left, above, corner), key=lambda one: abs(guess - one))
    return (0, left, above, (left + above) // 2)[kind]
