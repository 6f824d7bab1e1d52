"""A plot of scores against evaluations, one panel a model, drawn with Pillow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

PANEL_PX, HEIGHT_PX, LEFT_PX, TOP_PX, BOTTOM_PX, GAP_PX = 460, 430, 56, 30, 92, 24
LEGEND_ROW_PX, LEGEND_COLUMN_PX = 18, 230
# Okabe and Ito's colours, told apart by colour-blind readers too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
INK, FAINT = "#222222", "#bbbbbb"
FONT = ImageFont.load_default()


@dataclass(frozen=True)
class Line:
    """Points (x, y) in rising x of one line of a panel."""

    panel: str
    name: str
    points: tuple[tuple[float, float], ...]


def plot(lines: Sequence[Line], floor: float, y_name: str, x_name: str) -> Image.Image:
    """Panels side by side with the same axes, x by its logarithm; ``floor`` is drawn through all."""
    panels = list(dict.fromkeys(line.panel for line in lines))
    values = [y for line in lines for _, y in line.points] + [floor]
    low, high = 5 * math.floor(min(values) / 5), 5 * math.ceil((max(values) + 0.1) / 5)
    last = math.log10(max((x for line in lines for x, _ in line.points), default=10.0))
    width = max(1, len(panels)) * (LEFT_PX + PANEL_PX + GAP_PX)
    image = Image.new("RGB", (width, HEIGHT_PX), "white")
    draw = ImageDraw.Draw(image)
    for number, panel in enumerate(panels):
        left = number * (LEFT_PX + PANEL_PX + GAP_PX) + LEFT_PX
        place = _Axes(left, low, high, last)
        place.frame(draw, f"{panel}: {y_name} against {x_name}", floor)
        for line, colour in zip([line for line in lines if line.panel == panel], COLOURS):
            spots = [place.spot(x, y) for x, y in line.points]
            draw.line(spots, fill=colour, width=2)
            for x, y in spots:
                draw.ellipse((x - 3, y - 3, x + 3, y + 3), fill=colour)
        _legend(draw, left, [line.name for line in lines if line.panel == panel])
    return image


@dataclass(frozen=True)
class _Axes:
    left: int
    low: float
    high: float
    decades: float

    def spot(self, x: float, y: float) -> tuple[float, float]:
        across = math.log10(x) / (self.decades or 1.0)
        up = (y - self.low) / (self.high - self.low)
        return self.left + across * PANEL_PX, HEIGHT_PX - BOTTOM_PX - up * (HEIGHT_PX - BOTTOM_PX - TOP_PX)

    def frame(self, draw: ImageDraw.ImageDraw, title: str, floor: float) -> None:
        draw.text((self.left, 8), title, fill=INK, font=FONT)
        for x in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 4000):
            if math.log10(x) <= self.decades + 1e-9:
                along, bottom = self.spot(x, self.low)
                draw.line((along, TOP_PX, along, bottom), fill="#eeeeee")
                draw.text((along - 4, bottom + 6), str(x), fill=INK, font=FONT)
        step = 5 if self.high - self.low <= 40 else 10
        for y in range(int(self.low), int(self.high) + 1, step):
            start = self.spot(1, y)
            draw.line((*start, start[0] + PANEL_PX, start[1]), fill="#eeeeee")
            draw.text((self.left - 24, start[1] - 6), str(y), fill=INK, font=FONT)
        start = self.spot(1, floor)
        for dash in range(0, PANEL_PX, 12):
            draw.line((start[0] + dash, start[1], start[0] + dash + 6, start[1]), fill=FAINT, width=2)
        draw.text((self.left + PANEL_PX - 110, start[1] - 14), "always no change", fill="#888888", font=FONT)


def _legend(draw: ImageDraw.ImageDraw, left: int, names: Sequence[str]) -> None:
    for number, (name, colour) in enumerate(zip(names, COLOURS)):
        row, column = divmod(number, 2)
        x, y = left + column * LEGEND_COLUMN_PX, HEIGHT_PX - BOTTOM_PX + 34 + row * LEGEND_ROW_PX
        draw.line((x, y, x + 14, y), fill=colour, width=3)
        draw.text((x + 18, y - 6), name, fill=INK, font=FONT)
