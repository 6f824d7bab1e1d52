"""Draws a plan of ``demo_scene`` as an aerial image: fractal ground, shaded roofs and crowns, shadows, a sensor's grain.

Nothing here is a photograph; scale and colours are those of aerial images of suburbs at 0.5 m a pixel.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from .scene import CONCRETE, HEIGHT_PX, WIDTH_PX, Block, Point, Scene, Tree, beside, local, rectangle

SUPER = 2  # drawn at twice the size, for soft edges
SPRITES = 48
GROUND_SEED = 5
SHADOW = 185  # of 255

# Two colours a material; noise blends them.
GROUND = {
    "grass": ((114, 108, 90), (84, 86, 66)),
    "lawn": ((76, 84, 60), (94, 94, 72)),
    "bare": ((206, 190, 162), (176, 160, 132)),
    "forest": ((54, 55, 42), (72, 68, 54)),
    "field": ((116, 104, 90), (98, 90, 78)),
    "water": ((46, 58, 52), (36, 48, 46)),
}
ASPHALT, KERB, MARKING = (142, 140, 134), (186, 182, 170), (216, 212, 190)
CARS = ((200, 200, 202), (60, 62, 66), (120, 40, 36), (150, 152, 156), (48, 60, 92), (228, 228, 226))


@dataclass(frozen=True)
class Sky:
    """Sun and film of one date.

    shadow : offset of a shadow in pixels for each pixel of height. gain, offset, gamma : colour; grain : deviation of the
    noise in grey levels; jpeg : quality.
    """

    shadow: Point
    gain: tuple[float, float, float]
    offset: float
    grain: float
    jpeg: int


SKIES = (Sky((-0.62, -0.42), (1.18, 1.16, 1.10), 2.0, 4.0, 90), Sky((-0.48, -0.66), (0.94, 0.95, 0.93), -4.0, 3.0, 92))


def noise(rng: np.random.Generator, height: int, width: int, beta: float) -> np.ndarray:
    """Fractal noise (height, width) float32 with a 1/f^beta amplitude spectrum, mean 0, deviation 1."""
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.standard_normal((height, width))) * frequency**-beta
    values = np.fft.irfft2(spectrum, (height, width))
    return ((values - values.mean()) / values.std()).astype(np.float32)


class Canvas:
    """The image being drawn, SUPER times larger than the scene."""

    def __init__(self, ground: np.ndarray, sky: Sky):
        size = (WIDTH_PX * SUPER, HEIGHT_PX * SUPER)
        self.image = Image.fromarray(ground).resize(size, Image.Resampling.BICUBIC)
        self.draw = ImageDraw.Draw(self.image)
        self.sky = sky

    def line(self, points: Sequence[Point], colour: tuple[int, int, int], width_px: float) -> None:
        self.draw.line([(x * SUPER, y * SUPER) for x, y in points], fill=colour, width=max(1, round(width_px * SUPER)), joint="curve")

    def polygon(self, points: Sequence[Point], colour: tuple[int, int, int]) -> None:
        self.draw.polygon([(x * SUPER, y * SUPER) for x, y in points], fill=colour)

    def shade(self, shadows: Sequence[Sequence[Point]], crowns: Sequence[Tree]) -> None:
        """Darken the ground under what casts a shadow, once where shadows overlap."""
        mask = Image.new("L", self.image.size, 0)
        draw = ImageDraw.Draw(mask)
        for points in shadows:
            draw.polygon([(x * SUPER, y * SUPER) for x, y in points], fill=SHADOW)
        dx, dy = self.sky.shadow
        for tree in crowns:
            x, y, r = tree.x + 1.3 * tree.radius_px * dx, tree.y + 1.3 * tree.radius_px * dy, tree.radius_px
            draw.ellipse([(x - r) * SUPER, (y - r) * SUPER, (x + r) * SUPER, (y + r) * SUPER], fill=SHADOW)
        mask = mask.filter(ImageFilter.GaussianBlur(0.8 * SUPER))
        self.image.paste((22, 24, 28), (0, 0), mask)


def tint(colour: Sequence[float], factor: float) -> tuple[int, int, int]:
    red, green, blue = (min(255, max(0, round(value * factor))) for value in colour)
    return red, green, blue


def ground(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """Textured ground, uint8 (HEIGHT_PX, WIDTH_PX, 3)."""
    coarse, middle, fine = (noise(rng, HEIGHT_PX, WIDTH_PX, beta) for beta in (1.7, 1.0, 0.5))
    blend = np.clip(0.5 + 0.26 * coarse + 0.14 * middle, 0, 1)[..., None]
    light = (1 + 0.03 * coarse + 0.05 * middle + 0.07 * fine)[..., None]
    image = _material("grass", blend, light)
    for patch in scene.patches:
        mask = Image.new("L", (WIDTH_PX, HEIGHT_PX), 0)
        ImageDraw.Draw(mask).polygon(list(patch.polygon), fill=255)
        box = mask.getbbox()
        if box is None:
            continue
        pad = int(3 * patch.soft_px) + 1
        x0, y0, x1, y1 = max(0, box[0] - pad), max(0, box[1] - pad), min(WIDTH_PX, box[2] + pad), min(HEIGHT_PX, box[3] + pad)
        window = np.s_[y0:y1, x0:x1]
        soft = np.asarray(mask.crop((x0, y0, x1, y1)).filter(ImageFilter.GaussianBlur(patch.soft_px)), dtype=np.float32)[..., None] / 255
        # The noise frays the edge, as grass and soil do.
        soft = np.clip((soft - 0.5) * 3 + 0.5 + middle[window][..., None] * soft * (1 - soft), 0, 1)
        image[window] += soft * (_material(patch.material, blend[window], light[window]) - image[window])
    return np.clip(image, 0, 255).astype(np.uint8)


def _material(name: str, blend: np.ndarray, light: np.ndarray) -> np.ndarray:
    one, two = (np.array(colour, dtype=np.float32) for colour in GROUND[name])
    return (one * blend + two * (1 - blend)) * light


def shadow_of(block: Block, sky: Sky) -> list[list[Point]]:
    """Polygons that a block's shadow is the union of: its base, its top's and the sides swept between them."""
    base = rectangle(block.x, block.y, block.length, block.depth, block.angle)
    dx, dy = sky.shadow[0] * block.height_px, sky.shadow[1] * block.height_px
    top = [(x + dx, y + dy) for x, y in base]
    return [top, *([base[i - 1], base[i], top[i], top[i - 1]] for i in range(4))]


def roof(canvas: Canvas, block: Block) -> None:
    """A hipped roof of four planes, each lit by how far it faces the sun, or a flat one with its parapet and machines."""
    u, v = block.length / 2, block.depth / 2
    corners = ((-u, -v), (u, -v), (u, v), (-u, v))
    if block.flat:
        canvas.polygon(local(block.x, block.y, block.angle, corners), tint(block.roof, 0.82))
        canvas.polygon(rectangle(block.x, block.y, block.length - 3, block.depth - 3, block.angle), block.roof)
        for i in range(5):
            ((x, y),) = local(block.x, block.y, block.angle, ((-u + block.length * (i + 0.7) / 5.4, (i % 2 - 0.5) * v),))
            canvas.polygon(rectangle(x + 1.5, y + 1.5, 6, 5, block.angle), tint(block.roof, 0.6))
            canvas.polygon(rectangle(x, y, 6, 5, block.angle), tint(block.roof, 1.08))
        return
    ridge = max(u - v, 1.0)
    left, right = (-ridge, 0.0), (ridge, 0.0)
    planes = (
        ((corners[0], corners[1], right, left), -math.pi / 2),
        ((corners[1], corners[2], right), 0.0),
        ((corners[2], corners[3], left, right), math.pi / 2),
        ((corners[3], corners[0], left), math.pi),
    )
    sun = math.atan2(-canvas.sky.shadow[1], -canvas.sky.shadow[0])
    for points, facing in planes:
        factor = 0.92 + 0.36 * math.cos(facing + block.angle - sun)
        canvas.polygon(local(block.x, block.y, block.angle, points), tint(block.roof, factor))
    canvas.line(local(block.x, block.y, block.angle, (left, right)), tint(block.roof, 1.35), 0.8)


def crowns(rng: np.random.Generator, sky: Sky, season: float) -> list[Image.Image]:
    """Tree crowns seen from above (RGBA, 64 px): lumpy discs, light towards the sun. season : 0 dry … 1 green."""
    rows, cols = np.mgrid[-1:1:64j, -1:1:64j]
    sprites = []
    for _ in range(SPRITES):
        lumps = noise(rng, 64, 64, 1.1)
        radius = np.hypot(rows, cols) + 0.13 * lumps
        slope = -(cols * sky.shadow[0] + rows * sky.shadow[1]) / math.hypot(*sky.shadow)
        light = np.clip(0.86 + 0.42 * slope + 0.20 * noise(rng, 64, 64, 0.8), 0.25, 1.9)[..., None]
        base = np.array([56 + 12 * (1 - season), 68, 52]) + np.array([4, 5, 3]) * rng.standard_normal(3)
        alpha = np.clip((0.86 - radius) * 9, 0, 1)[..., None] * 255
        sprites.append(Image.fromarray(np.clip(np.concatenate([base * light, alpha], axis=2), 0, 255).astype(np.uint8), "RGBA"))
    return sprites


def plant(canvas: Canvas, trees: Sequence[Tree], sprites: Sequence[Image.Image]) -> None:
    sized: dict[tuple[int, int], Image.Image] = {}
    for tree in sorted(trees, key=lambda tree: tree.radius_px):
        side = max(4, round(2 * tree.radius_px * SUPER))
        key = (tree.sprite % SPRITES, side)
        if key not in sized:
            sized[key] = sprites[key[0]].resize((side, side), Image.Resampling.BILINEAR)
        sprite = sized[key]
        canvas.image.paste(sprite, (round(tree.x * SUPER - side / 2), round(tree.y * SUPER - side / 2)), sprite)


def pave(canvas: Canvas, scene: Scene) -> None:
    """Roads with kerbs and walks, drives, lines and cars."""
    for road in scene.roads:
        if road.walks:
            for side in (-1, 1):
                canvas.line(beside(road.points, side * (road.width_px / 2 + 6)), KERB, 1.6)
        canvas.line(road.points, KERB, road.width_px + 2.4)
    for road in scene.roads:
        canvas.line(road.points, ASPHALT, road.width_px)
        if road.marked:
            canvas.line(road.points, MARKING, 0.9)
    for points in scene.paved:
        canvas.polygon(points, CONCRETE)
    for points, colour, width_px in scene.lines:
        canvas.line(points, colour, width_px)
    for x, y, angle, paint in scene.cars:
        canvas.polygon(rectangle(x + 0.8, y + 0.8, 9, 4.4, angle), (50, 50, 50))
        canvas.polygon(rectangle(x, y, 9, 4, angle), CARS[paint])
        canvas.polygon(rectangle(x, y, 3.6, 3.4, angle), tint(CARS[paint], 0.6))


def develop(image: Image.Image, sky: Sky, rng: np.random.Generator) -> np.ndarray:
    """What the camera makes of it, uint8 (3, HEIGHT_PX, WIDTH_PX): softness, colour, grain, JPEG."""
    small = image.resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.BOX).filter(ImageFilter.UnsharpMask(1.2, 60, 0))
    pixels = np.asarray(small, dtype=np.float32) * np.array(sky.gain, dtype=np.float32) + sky.offset
    # Texture of every surface, then grain common to the bands.
    pixels *= 1 + 0.04 * noise(rng, HEIGHT_PX, WIDTH_PX, 0.5)[..., None]
    pixels += sky.grain * noise(rng, HEIGHT_PX, WIDTH_PX, 0.2)[..., None]
    buffer = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=sky.jpeg)
    return np.asarray(Image.open(buffer)).transpose(2, 0, 1)


def render(scene: Scene, sky: Sky, season: float, seed: int) -> np.ndarray:
    """Image of a scene, uint8 (3, HEIGHT_PX, WIDTH_PX), RGB.

    seed : of the film's grain; the ground's texture is the same at every date.
    """
    rng = np.random.default_rng(GROUND_SEED)
    canvas = Canvas(ground(scene, rng), sky)
    pave(canvas, scene)
    canvas.shade([polygon for block in scene.blocks for polygon in shadow_of(block, sky)], scene.trees)
    for block in scene.blocks:
        roof(canvas, block)
    plant(canvas, scene.trees, crowns(rng, sky, season))
    return develop(canvas.image, sky, np.random.default_rng(seed))
