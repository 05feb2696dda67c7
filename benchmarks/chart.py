"""A line chart as SVG, readable in black and white: lines differ by their dashes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 640, 400
LEFT, TOP, RIGHT, BOTTOM = 60, 40, 20, 120
DASHES = ("none", "8 4", "2 3", "10 3 2 3")


@dataclass(frozen=True, slots=True)
class Line:
    """One line; both values from 0 to 1."""

    label: str
    points: Sequence[tuple[float, float]]


def line_chart(title: str, across: str, up: str, lines: Sequence[Line]) -> str:
    """Draw at most four lines on a grid from 0 to 1, with a legend below.

    Raises:
        ValueError: More lines than there are dashes to tell them apart.
    """
    if len(lines) > len(DASHES):
        raise ValueError(f"at most {len(DASHES)} lines can be told apart")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="sans-serif" font-size="12"><title>{escape(title)}</title>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(WIDTH / 2, 22, title, "middle", 15),
    ]
    for tenth in range(0, 11, 2):
        share = tenth / 10
        x, y = _place(share, share)
        parts += [
            f'<path d="M{x} {TOP}V{HEIGHT - BOTTOM}M{LEFT} {y}H{WIDTH - RIGHT}" stroke="#ccc"/>',
            _text(x, HEIGHT - BOTTOM + 16, f"{share:.1f}", "middle"),
            _text(LEFT - 8, y + 4, f"{share:.1f}", "end"),
        ]
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - BOTTOM + 34, across, "middle"))
    parts.append(
        f'<text transform="translate(16 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" '
        f'text-anchor="middle">{escape(up)}</text>'
    )
    for number, (line, dash) in enumerate(zip(lines, DASHES, strict=False)):
        way = " ".join(f"{x},{y}" for x, y in (_place(*point) for point in line.points))
        style = f'fill="none" stroke="black" stroke-width="2" stroke-dasharray="{dash}"'
        x, y = LEFT + (number % 2) * 280, HEIGHT - 60 + (number // 2) * 24
        parts += [
            f'<polyline points="{way}" {style}/>',
            f'<path d="M{x} {y}h44" {style}/>',
            _text(x + 54, y + 4, line.label),
        ]
    return "\n".join([*parts, "</svg>\n"])


def _place(x: float, y: float) -> tuple[float, float]:
    return (
        round(LEFT + x * (WIDTH - LEFT - RIGHT), 1),
        round(HEIGHT - BOTTOM - y * (HEIGHT - TOP - BOTTOM), 1),
    )


def _text(x: float, y: float, words: str, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}">{escape(words)}</text>'
