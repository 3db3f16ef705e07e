"""Several pictures as one that plays once: each is encoded by the browser, all are put into one WebP (RFC 9649)."""

import base64
import struct
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Page

ANIMATED, LOOPS, OPAQUE = 0x02, 1, 0x02
ENCODE = """async (png) => {
  const picture = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
  const canvas = Object.assign(document.createElement("canvas"), { width: picture.width, height: picture.height });
  canvas.getContext("2d").drawImage(picture, 0, 0);
  return [canvas.toDataURL("image/webp", 0.86).split(",")[1], picture.width, picture.height];
}"""


def join_frames(page: Page, frames: Sequence[bytes], seconds: Sequence[float], path: Path) -> None:
    """Write PNGs of one size as one WebP; `seconds` says how long each stays, `page` is any page to encode them in."""
    pieces, size = [], b""
    for frame, stays in zip(frames, seconds, strict=True):
        encoded, width, height = page.evaluate(ENCODE, base64.b64encode(frame).decode())
        size = _three(width - 1) + _three(height - 1)
        image = _chunk(b"VP8 ", _read_chunks(base64.b64decode(encoded))[b"VP8 "])
        pieces.append(_chunk(b"ANMF", bytes(6) + size + _three(round(stays * 1000)) + bytes([OPAQUE]) + image))
    head = _chunk(b"VP8X", bytes([ANIMATED, 0, 0, 0]) + size) + _chunk(b"ANIM", struct.pack("<IH", 0xFFFFFFFF, LOOPS))
    path.write_bytes(_chunk(b"RIFF", b"WEBP" + head + b"".join(pieces)))


def _read_chunks(webp: bytes) -> dict[bytes, bytes]:
    """Kind -> content, behind the file's head of 12 bytes."""
    found, at = {}, 12
    while at < len(webp):
        (length,) = struct.unpack_from("<I", webp, at + 4)
        found[webp[at : at + 4]] = webp[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
    return found


def _chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def _three(number: int) -> bytes:
    return struct.pack("<I", number)[:3]
