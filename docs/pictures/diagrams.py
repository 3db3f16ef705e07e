"""Draws the diagrams of the documentation: `.venv/bin/python docs/pictures/diagrams.py` writes them as SVG.

Each follows the reader's light or dark scheme, has a ground of its own, and a title for a screen reader. The pages
repeat in words what a diagram shows.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
STYLE = """
.ground{fill:#f6f8f7}.box{fill:#fff;stroke:#6f7f7a}.ours{fill:#e2f1ec;stroke:#0a5c4d}
.frame{fill:none;stroke:#6f7f7a;stroke-dasharray:5 4}
.line{stroke:#4c5b57;fill:none;stroke-width:1.5}.head{fill:#4c5b57}text{fill:#13201d;font:14px system-ui,sans-serif}
.small{fill:#4c5b57;font-size:12.5px}.strong{font-weight:650}
@media(prefers-color-scheme:dark){.ground{fill:#141c1a}.box{fill:#1a2321;stroke:#7f918b}.ours{fill:#15302a;stroke:#74d6bf}
.frame{stroke:#7f918b}.line{stroke:#a4b4af}.head{fill:#a4b4af}text{fill:#e8f0ed}.small{fill:#a4b4af}}
"""


class Box(NamedTuple):
    """A rectangle with a bold line and quieter ones below it."""

    x: int
    y: int
    width: int
    height: int
    lines: tuple[str, ...]
    kind: str = "box"

    def draw(self) -> str:
        middle, top = self.x + self.width / 2, self.y + self.height / 2 - (len(self.lines) - 1) * 9 + 5
        texts = [
            f'<text x="{middle:g}" y="{top + 18 * place:g}" text-anchor="middle" class="{name}">{line}</text>'
            for place, (line, name) in enumerate(zip(self.lines, ("strong", "small", "small"), strict=False))
        ]
        shape = (
            f'<rect x="{self.x}" y="{self.y}" width="{self.width}" height="{self.height}" rx="9" class="{self.kind}"/>'
        )
        return shape + "".join(texts)


def arrow(*points: tuple[int, int], text: str = "", at: tuple[int, int] | None = None, anchor: str = "middle") -> str:
    """A line through the points with a head at its end, and its words."""
    path = "M" + "L".join(f"{x} {y}" for x, y in points)
    x, y = at or ((points[0][0] + points[-1][0]) // 2, (points[0][1] + points[-1][1]) // 2 - 7)
    words = f'<text x="{x}" y="{y}" text-anchor="{anchor}" class="small">{text}</text>' if text else ""
    return f'<path d="{path}" class="line" marker-end="url(#head)"/>{words}'


def frame(x: int, y: int, width: int, height: int, text: str) -> str:
    """A border around what belongs together."""
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="12" class="frame"/>'
        f'<text x="{x + 14}" y="{y + 22}" class="small">{text}</text>'
    )


def sheet(title: str, width: int, height: int, *parts: str) -> str:
    head = (
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" class="head"/></marker></defs>'
    )
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    )
    return "\n".join(
        [
            f'{opening} role="img" aria-labelledby="title">',
            f'<title id="title">{title}</title>',
            f"<style>{STYLE}</style>{head}",
            f'<rect width="{width}" height="{height}" rx="12" class="ground"/>',
            *parts,
            "</svg>\n",
        ]
    )


def draw_flow() -> str:
    """A sign-in, and a call of the provider's API afterwards."""
    columns = {"app": 100, "broker": 400, "provider": 700}
    heads = [
        Box(columns["app"] - 80, 20, 160, 44, ("Your app",)).draw(),
        Box(columns["broker"] - 80, 20, 160, 44, ("Token Broker",), "ours").draw(),
        Box(columns["provider"] - 80, 20, 160, 44, ("Provider",)).draw(),
    ]
    lives = [f'<path d="M{x} 64V552" class="frame"/>' for x in columns.values()]
    steps = [
        ("app", "broker", "1. Sign in, with PKCE (in the browser)"),
        ("broker", "broker", "2. The user sees what the app may do, and allows it"),
        ("broker", "provider", "3. Sign in (in the browser)"),
        ("provider", "broker", "4. The provider's code (in the browser)"),
        ("broker", "provider", "5. Code and the broker's own secret"),
        ("provider", "broker", "6. The provider's tokens, encrypted at once"),
        ("broker", "app", "7. The broker's code (in the browser)"),
        ("app", "broker", "8. Code and PKCE verifier"),
        ("broker", "app", "9. Access token of the broker"),
        ("app", "broker", "10. Call the provider's API through the proxy"),
        ("broker", "provider", "11. The call, with the provider's token"),
    ]
    drawn = []
    for place, (start, end, text) in enumerate(steps):
        y = 100 + place * 42
        if start == end:
            drawn.append(Box(columns[start] - 180, y - 20, 360, 32, (), "ours").draw())
            drawn.append(f'<text x="{columns[start]}" y="{y + 1}" text-anchor="middle" class="small">{text}</text>')
            continue
        way = 1 if columns[end] > columns[start] else -1
        drawn.append(arrow((columns[start] + 4 * way, y), (columns[end] - 4 * way, y), text=text))
    return sheet("A sign-in and a call through the broker, in eleven steps", 800, 570, *lives, *heads, *drawn)


def draw_deployed() -> str:
    """What one deployment consists of, and what passes between its parts."""
    return sheet(
        "What is deployed in your AWS account, and who calls it",
        860,
        500,
        frame(205, 20, 635, 460, "Your AWS account"),
        Box(20, 92, 130, 44, ("Browser",)).draw(),
        Box(20, 152, 130, 44, ("Your app",)).draw(),
        Box(20, 242, 130, 44, ("Provider",)).draw(),
        Box(20, 405, 130, 58, ("Operator", "command broker")).draw(),
        Box(230, 115, 120, 58, ("API Gateway", "REST API")).draw(),
        Box(230, 300, 120, 76, ("Schedules", "every minute,", "every ten minutes")).draw(),
        frame(400, 60, 180, 340, "Each with its own role"),
        Box(415, 98, 150, 92, ("Function api", "every request"), "ours").draw(),
        Box(415, 222, 150, 72, ("Function jobs", "retries, expiry, audit"), "ours").draw(),
        Box(415, 318, 150, 66, ("Function keys", "key rotation"), "ours").draw(),
        frame(640, 60, 185, 340, "Tables, key and logs"),
        Box(652, 92, 161, 82, ("Table broker", "grants, connections,", "audit records")).draw(),
        Box(652, 186, 161, 58, ("Table broker-keys", "users' keys, no backup")).draw(),
        Box(652, 256, 161, 58, ("KMS key", "unwraps the keys")).draw(),
        Box(652, 326, 161, 58, ("CloudWatch", "logs, metrics, alarms")).draw(),
        arrow((150, 114), (190, 114), (190, 135), (230, 135)),
        arrow((150, 174), (190, 174), (190, 155), (230, 155)),
        arrow((350, 144), (415, 144)),
        arrow((415, 175), (380, 175), (380, 256), (150, 256), text="tokens, API calls", at=(285, 250)),
        arrow((415, 272), (150, 272), text="revocation", at=(285, 288)),
        arrow((350, 325), (385, 325), (385, 284), (415, 284)),
        arrow((350, 351), (415, 351)),
        arrow((580, 230), (640, 230)),
        arrow(
            (150, 434),
            (732, 434),
            (732, 400),
            text="the tables, the key and the logs, with the operator's own credentials",
            at=(440, 452),
        ),
    )


def draw_connection() -> str:
    """The states of one connection, and what moves it from one to the next."""
    return sheet(
        "The life of a connection, from the sign-in to its revocation",
        860,
        330,
        Box(20, 60, 150, 66, ("sign-in, connect", "the user allows it")).draw(),
        Box(270, 60, 150, 66, ("active, partial", "one refresh at a time"), "ours").draw(),
        Box(520, 60, 150, 66, ("in_doubt", "a response was lost")).draw(),
        Box(270, 220, 150, 66, ("reauth_required", "the user must act")).draw(),
        Box(690, 220, 150, 66, ("revoked", "at the provider too")).draw(),
        arrow((170, 93), (270, 93), text="tokens"),
        arrow((420, 82), (520, 82), text="lost"),
        arrow((520, 106), (420, 106), text="retry works", at=(470, 123)),
        arrow((325, 126), (325, 220), text="provider refuses", at=(317, 176), anchor="end"),
        arrow((365, 220), (365, 126), text="user signs in again", at=(375, 160), anchor="start"),
        arrow((595, 126), (595, 240), (420, 240), text="no retry allowed", at=(500, 234)),
        arrow((420, 266), (690, 266), text="user, app or operator revokes", at=(555, 284)),
        arrow((395, 60), (395, 36), (765, 36), (765, 220), text="user, app or operator revokes", at=(580, 29)),
    )


PICTURES: dict[str, Callable[[], str]] = {
    "flow.svg": draw_flow,
    "deployed.svg": draw_deployed,
    "connection.svg": draw_connection,
}


def main() -> None:
    """Write them all."""
    for name, draw in PICTURES.items():
        (HERE / name).write_text(draw(), encoding="utf-8")
        print(HERE / name)


if __name__ == "__main__":
    main()
