"""Bar charts as numbers: the templates draw them as SVG, with the same numbers as text."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

WIDTH, HEIGHT, GAP = 600, 100, 2


class Bar(Struct, frozen=True, kw_only=True):
    """One rectangle of a stacked bar, in units of the drawing."""

    series: str
    x: float
    y: float
    width: float
    height: float


class Chart(Struct, frozen=True, kw_only=True):
    """A stacked bar chart.

    summary   what the bars show, in words
    numbers   label of a bar -> its counts, in the order of `series`
    bars      empty if everything is zero
    """

    title: str
    summary: str
    series: tuple[str, ...]
    numbers: Sequence[tuple[str, tuple[int, ...]]]
    bars: tuple[Bar, ...]
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def first(self) -> str:
        """The label of the first bar."""
        return self.numbers[0][0] if self.numbers else ""

    @property
    def last(self) -> str:
        """The label of the last bar."""
        return self.numbers[-1][0] if self.numbers else ""


def build_chart(title: str, series: Mapping[str, Sequence[int]], labels: Sequence[str]) -> Chart:
    """Stack the series, the first one at the bottom. All have as many counts as there are labels."""
    columns = list(zip(*series.values(), strict=True))
    most = max(map(sum, columns), default=0)
    sums = {name: sum(counts) for name, counts in series.items()}
    summary = ", ".join(f"{count:,} {name}" if len(sums) > 1 else f"{count:,}" for name, count in sums.items())
    bars = _stack(tuple(series), columns, most) if most else ()
    numbers = list(zip(labels, columns, strict=True))
    return Chart(title=title, summary=summary, series=tuple(series), numbers=numbers, bars=bars)


def _stack(names: Sequence[str], columns: Sequence[tuple[int, ...]], most: int) -> tuple[Bar, ...]:
    bars: list[Bar] = []
    step = WIDTH / len(columns)
    for number, column in enumerate(columns):
        top = float(HEIGHT)
        for name, count in zip(names, column, strict=True):
            height = HEIGHT * count / most
            top -= height
            if count:
                x, y = round(number * step + GAP / 2, 1), round(top, 1)
                bars.append(Bar(series=name, x=x, y=y, width=round(step - GAP, 1), height=round(height, 1)))
    return tuple(bars)
