"""A picture of a captioned area without QGIS: before, after, and the grid with its captions."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import fiona
import numpy as np
import rasterio
from PIL import Image, ImageDraw, ImageFont
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT

from ..contract.tiles import LAYER_NAME
from ..geo.bands import choose_bands
from ..geo.validity.alpha import find_alpha

PANEL_PX = 800  # longer side of the before and after panels; the map is twice as large
GAP_PX, TITLE_PX = 16, 34
MIN_TEXT_CELL_PX = 170  # narrower cells get a number and a line below the map
LISTED, LINE_PX = 16, 26
PAPER, INK, FAINT = (255, 255, 255), (34, 34, 34), (150, 150, 150)
# Kinds of change with the colours of the QGIS style: name, the classes of which a tile has one (+ added, - removed, ~ altered), colour.
# The first that fits is the tile's.
KINDS: tuple[tuple[str, set[str], tuple[int, int, int]], ...] = (
    ("building added", {"+building"}, (213, 94, 0)),
    ("building removed", {"-building"}, (204, 121, 167)),
    ("road or parking", {"+road", "-road", "~road", "+parking", "-parking", "~parking"}, (230, 159, 0)),
    ("vegetation removed", {"-vegetation"}, (240, 228, 66)),
    ("vegetation added", {"+vegetation"}, (0, 158, 115)),
    ("water", {"+water", "-water", "~water"}, (0, 114, 178)),
    ("bare land", {"+bareland", "-bareland", "~bareland"}, (140, 98, 57)),
    ("other change", set(), (86, 180, 233)),
)
SIGNS = (("+", "added"), ("-", "removed"), ("~", "altered"))


@dataclass(frozen=True)
class Cell:
    """A row of the output layer: its ring in the layer's CRS and its properties."""

    ring: tuple[tuple[float, float], ...]
    properties: dict

    @property
    def changed(self) -> bool:
        return bool(self.properties["changed"])

    @property
    def classes(self) -> list[str]:
        """Classes with the sign of what happened to them: "+building", "-vegetation", "~road"."""
        return [sign + name for sign, key in SIGNS for name in (self.properties[key] or "").split("; ") if name]

    @property
    def colour(self) -> tuple[int, int, int]:
        return next((colour for _, needed, colour in KINDS if needed & set(self.classes)), KINDS[-1][2])


def read_cells(path: Path) -> list[Cell]:
    """Cells of a ``change_captions`` layer, ordered by row and column."""
    with fiona.open(path, layer=LAYER_NAME) as layer:
        cells = [Cell(tuple(point[:2] for point in feature.geometry["coordinates"][0]), dict(feature.properties)) for feature in layer]
    return sorted(cells, key=lambda cell: (cell.properties["row"], cell.properties["col"]))


def draw_map(before: Path, after: Path, cells: Sequence[Cell], target: Path) -> None:
    """Write a PNG: the two dates side by side, below them the grid over the after date.

    Parameters
    ----------
    before, after : paths of rasters
        The picture lies on the BEFORE raster's grid; the other is warped onto it.
    cells : rows of the output layer, whose CRS is the BEFORE raster's
    """
    with rasterio.open(before) as first:
        scale = PANEL_PX / max(first.width, first.height)
        width, height = max(1, round(first.width * scale)), max(1, round(first.height * scale))
        to_map = rasterio.Affine.scale(2 * width / first.width, 2 * height / first.height) * ~first.transform
        old = _picture(first, _bands(first, "before"), 2 * width, 2 * height)
        transform = first.transform * rasterio.Affine.scale(first.width / (2 * width), first.height / (2 * height))
        with (
            rasterio.open(after) as second,
            WarpedVRT(
                second,
                crs=first.crs,
                transform=transform,
                width=2 * width,
                height=2 * height,
                resampling=Resampling.bilinear,
                add_alpha=second.nodata is None,
            ) as warped,
        ):
            new = _picture(warped, _bands(second, "after"), 2 * width, 2 * height)
    text_inside = _cell_width(cells, to_map) >= MIN_TEXT_CELL_PX
    listed = [] if text_inside else sorted((c for c in cells if c.changed), key=lambda c: -c.properties["change_score"])[:LISTED]
    grid = draw_grid(new, cells, to_map, text_inside, listed)
    sheet = Image.new("RGB", (2 * width + 3 * GAP_PX, 2 * TITLE_PX + 3 * height + 3 * GAP_PX + LINE_PX * len(listed) + TITLE_PX), PAPER)
    draw = ImageDraw.Draw(sheet)
    for column, (title, picture) in enumerate((("Before", old), ("After", new))):
        left = GAP_PX + column * (width + GAP_PX)
        draw.text((left, 8), title, fill=INK, font=_font(20))
        sheet.paste(picture.resize((width, height), Image.Resampling.BOX), (left, TITLE_PX))
    top = TITLE_PX + height + GAP_PX
    changed = sum(cell.changed for cell in cells)
    draw.text((GAP_PX, top + 6), f"What changed: {changed} of {len(cells)} tiles", fill=INK, font=_font(20))
    draw_legend(draw, 2 * width + GAP_PX, top + 8, cells)
    sheet.paste(grid, (GAP_PX, top + TITLE_PX))
    for i, cell in enumerate(listed):
        draw.text((GAP_PX, top + TITLE_PX + 2 * height + GAP_PX + LINE_PX * i), f"{i + 1}  {cell.properties['caption']}", fill=INK, font=_font(17))
    sheet.save(target)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _bands(dataset: rasterio.DatasetReader, name: str) -> tuple[int, ...]:
    alpha, _ = find_alpha(dataset, None, name)
    return choose_bands(dataset, None, name, alpha.band if alpha else None)[0]


def _picture(raster: rasterio.DatasetReader | WarpedVRT, bands: tuple[int, ...], width: int, height: int) -> Image.Image:
    """Three bands as an RGB picture, each 2–98 % stretched where they are not bytes already; white where there is no data."""
    pixels = raster.read(bands, out_shape=(3, height, width), resampling=Resampling.average, out_dtype="float32")
    valid = (raster.dataset_mask(out_shape=(height, width)) > 0) & np.isfinite(pixels).all(axis=0)
    if raster.dtypes[0] != "uint8" and valid.any():
        low, high = np.percentile(pixels[:, valid], (2, 98), axis=1)[..., None, None]
        pixels = (pixels - low) * (255 / np.maximum(high - low, 1e-9))
    pixels = np.where(valid, np.clip(np.nan_to_num(pixels), 0, 255), 255)
    return Image.fromarray(pixels.transpose(1, 2, 0).astype(np.uint8))


def _cell_width(cells: Sequence[Cell], to_map: rasterio.Affine) -> float:
    spans = [max(x for x, _ in points) - min(x for x, _ in points) for points in ([to_map * p for p in cell.ring] for cell in cells)]
    return float(np.median(spans)) if spans else 0.0


def draw_grid(picture: Image.Image, cells: Sequence[Cell], to_map: rasterio.Affine, text_inside: bool, listed: Sequence[Cell]) -> Image.Image:
    """The map: outlines of all cells, tinted and captioned where changed."""
    image = picture.convert("RGB")
    draw = ImageDraw.Draw(image, "RGBA")
    numbers = {id(cell): str(i + 1) for i, cell in enumerate(listed)}
    # Thin lines and a stronger tint where cells are small: else the lines would hide the picture, or the tint could not be seen.
    cell_px = _cell_width(cells, to_map)
    line_px, tint = min(4, max(1, round(cell_px / 24))), 24 if cell_px >= MIN_TEXT_CELL_PX else 70
    for cell in sorted(cells, key=lambda cell: cell.changed):
        points = [tuple(to_map * point) for point in cell.ring]
        if not cell.changed:
            draw.line(points, fill=(255, 255, 255, 90), width=1)
            continue
        draw.polygon(points, fill=(*cell.colour, tint))
        draw.line(points, fill=(*cell.colour, 255), width=line_px, joint="curve")
        x0, y0 = min(x for x, _ in points), min(y for _, y in points)
        width = max(x for x, _ in points) - x0
        if text_inside:
            _caption(draw, (x0 + 6, y0 + 6), cell.properties["caption"], width - 12)
        elif id(cell) in numbers:
            draw.text((x0 + 3, y0 + 1), numbers[id(cell)], fill=(255, 255, 255, 255), stroke_width=2, stroke_fill=(0, 0, 0, 255), font=_font(18))
    return image


def _caption(draw: ImageDraw.ImageDraw, corner: tuple[float, float], text: str, width: float) -> None:
    font = _font(18)
    wrapped = textwrap.fill(text, max(10, int(width / font.getlength("n"))))
    box = draw.textbbox(corner, wrapped, font=font)
    draw.rectangle((box[0] - 4, box[1] - 4, box[2] + 4, box[3] + 4), fill=(255, 255, 255, 225))
    draw.text(corner, wrapped, fill=(*INK, 255), font=font)


def draw_legend(draw: ImageDraw.ImageDraw, right: float, top: float, cells: Sequence[Cell]) -> None:
    """Kinds of change that occur, from the right edge leftwards."""
    used = {cell.colour for cell in cells if cell.changed}
    for name, _, colour in reversed(KINDS):
        if colour in used:
            right -= draw.textlength(name, font=_font(17)) + 26
            draw.rectangle((right, top + 3, right + 14, top + 17), fill=colour)
            draw.text((right + 20, top), name, fill=INK, font=_font(17))
