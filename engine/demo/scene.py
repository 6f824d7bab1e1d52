"""Plan of a drawn suburb's edge at two dates: the sample that ``make demo`` captions.

Pure geometry in pixels of the scene (x right, y down); ``demo_render`` turns it into images. The same seed gives the same plan.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely
from shapely import LineString, Polygon, box, contains_xy

HEIGHT_PX, WIDTH_PX = 1024, 1280
BEFORE, AFTER = 0, 1
BOTH = (BEFORE, AFTER)
ROOFS = ((98, 95, 93), (86, 84, 84), (112, 104, 95), (124, 112, 98), (104, 92, 82), (134, 130, 124))
CONCRETE, FENCE, STALL = (184, 178, 164), (52, 46, 40), (206, 204, 196)

Point = tuple[float, float]


@dataclass(frozen=True)
class Patch:
    """Ground of one material inside a polygon."""

    material: str
    polygon: tuple[Point, ...]
    soft_px: float = 3.0


@dataclass(frozen=True)
class Road:
    points: tuple[Point, ...]
    width_px: float
    marked: bool = False
    walks: bool = True


@dataclass(frozen=True)
class Block:
    """A house or a hall: rectangle of length × depth pixels, turned by ``angle`` (radians), under a hipped or a flat roof."""

    x: float
    y: float
    length: float
    depth: float
    angle: float
    roof: tuple[int, int, int]
    height_px: float = 11.0
    flat: bool = False


@dataclass(frozen=True)
class Tree:
    x: float
    y: float
    radius_px: float
    sprite: int


@dataclass
class Scene:
    """What stands at one date, in the order it is drawn."""

    patches: list[Patch] = field(default_factory=list)
    roads: list[Road] = field(default_factory=list)
    paved: list[tuple[Point, ...]] = field(default_factory=list)
    lines: list[tuple[tuple[Point, ...], tuple[int, int, int], float]] = field(default_factory=list)
    cars: list[tuple[float, float, float, int]] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    trees: list[Tree] = field(default_factory=list)


def local(x: float, y: float, angle: float, points: Sequence[Point]) -> list[Point]:
    """Points of a turned object's own axes, in pixels of the scene."""
    cos, sin = math.cos(angle), math.sin(angle)
    return [(x + u * cos - v * sin, y + u * sin + v * cos) for u, v in points]


def rectangle(x: float, y: float, length: float, depth: float, angle: float = 0.0) -> tuple[Point, ...]:
    u, v = length / 2, depth / 2
    return tuple(local(x, y, angle, ((-u, -v), (u, -v), (u, v), (-u, v))))


def smooth(points: Sequence[Point], steps: int = 16) -> tuple[Point, ...]:
    """Catmull-Rom curve through the points."""
    p = np.array([points[0], *points, points[-1]], dtype=float)
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    curve = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(p, p[1:], p[2:], p[3:])
    ]
    return tuple(map(tuple, np.vstack([*curve, p[-1:]])))


def walk(points: Sequence[Point], distance_px: float) -> tuple[float, float, float]:
    """Place (x, y) and heading (radians) after a distance along a polyline."""
    for (x0, y0), (x1, y1) in zip(points, points[1:]):
        length = math.hypot(x1 - x0, y1 - y0)
        if distance_px <= length:
            share = distance_px / max(length, 1e-9)
            return x0 + share * (x1 - x0), y0 + share * (y1 - y0), math.atan2(y1 - y0, x1 - x0)
        distance_px -= length
    (x0, y0), (x1, y1) = points[-2:]
    return x1, y1, math.atan2(y1 - y0, x1 - x0)


def beside(points: Sequence[Point], offset_px: float) -> tuple[Point, ...]:
    """The polyline moved sideways (to the right of its heading where positive)."""
    p = np.array(points, dtype=float)
    tangent = np.gradient(p, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    return tuple(map(tuple, p + offset_px * np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)))


class Planner:
    """Collects the pieces of both dates."""

    def __init__(self, seed: int):
        self.rng = np.random.default_rng(seed)
        self.scenes = (Scene(), Scene())

    def add(self, kind: str, piece: object, dates: Sequence[int] = BOTH) -> None:
        for date in dates:
            getattr(self.scenes[date], kind).append(piece)

    def pick(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def street(self, points: Sequence[Point], width_px: float, dates: Sequence[int] = BOTH, marked: bool = False) -> tuple[Point, ...]:
        """A curved road; returns its centre line."""
        line = smooth(points)
        self.add("roads", Road(line, width_px, marked), dates)
        return line

    def houses(self, line: Sequence[Point], width_px: float, start_px: float, end_px: float, side: int, dates: Sequence[int] = BOTH) -> None:
        """A row of houses with drive, lawn, fence and garden trees along a stretch of road; side 1 is right of its heading."""
        distance = start_px
        while distance + 46 <= end_px:
            lot = self.pick(46, 52)
            x, y, heading = walk(line, distance + lot / 2)
            angle = heading + (math.pi if side < 0 else 0.0)
            self.lot(x, y, angle, width_px / 2, lot, dates)
            distance += lot

    def lot(self, x: float, y: float, angle: float, kerb_px: float, lot_px: float, dates: Sequence[int]) -> None:
        """One plot; its own axes start on the road's centre line, v pointing away from the road."""
        setback, half, back = kerb_px + self.pick(17, 21), lot_px / 2, kerb_px + 82
        house_length, house_depth = self.pick(36, 42), self.pick(26, 31)
        mirrored = 1 if self.rng.random() < 0.5 else -1
        roof = ROOFS[self.rng.integers(len(ROOFS))]
        self.add("patches", Patch("lawn", tuple(local(x, y, angle, ((-half, kerb_px), (half, kerb_px), (half, back), (-half, back)))), 1.0), dates)
        drive = mirrored * house_length * 0.28
        self.add(
            "paved",
            tuple(local(x, y, angle, ((drive - 5, kerb_px - 1), (drive + 5, kerb_px - 1), (drive + 5, setback), (drive - 5, setback)))),
            dates,
        )
        if self.rng.random() < 0.6:
            patio = -drive
            far = setback + house_depth
            self.add("paved", tuple(local(x, y, angle, ((patio - 5, far), (patio + 4, far), (patio + 4, far + 6), (patio - 5, far + 6)))), dates)
        fence = local(x, y, angle, ((-half, setback + 16), (-half, back), (half, back), (half, setback + 16)))
        self.add("lines", (tuple(fence), FENCE, 1.6), dates)
        ((hx, hy), (gx, gy)) = local(x, y, angle, ((0, setback + house_depth / 2), (drive, setback + 3)))
        self.add("blocks", Block(hx, hy, house_length, house_depth, angle, roof), dates)
        self.add("blocks", Block(gx, gy, self.pick(17, 21), 16, angle + math.pi / 2, roof, 9.0), dates)
        if self.rng.random() < 0.4:
            ((cx, cy),) = local(x, y, angle, ((drive, kerb_px + 8),))
            self.add("cars", (cx, cy, angle + math.pi / 2, int(self.rng.integers(6))), dates)
        for _ in range(self.rng.integers(1, 5)):
            ((tx, ty),) = local(x, y, angle, ((self.pick(-half, half), self.pick(setback + house_depth + 8, back - 4)),))
            self.add("trees", self.tree(tx, ty, self.pick(3.0, 8.0)), dates)

    def tree(self, x: float, y: float, radius_px: float) -> Tree:
        return Tree(x, y, radius_px, int(self.rng.integers(1 << 16)))

    def trees(self, area: Polygon, count: int, radius: tuple[float, float], felled: Polygon | None = None) -> None:
        """Plant about ``count`` trees in an area, half of them in clumps; those inside ``felled`` stand only before."""
        x0, y0, x1, y1 = area.bounds
        even = self.rng.uniform((x0, y0), (x1, y1), (count // 2, 2))
        clumps = self.rng.uniform((x0, y0), (x1, y1), (max(1, count // 24), 2))
        clumped = clumps[self.rng.integers(len(clumps), size=count - len(even))] + self.rng.normal(0, 16, (count - len(even), 2))
        for x, y in np.vstack([even, clumped]):
            if contains_xy(area, x, y):
                gone = felled is not None and contains_xy(felled, x, y)
                size = radius[0] + (radius[1] - radius[0]) * float(self.rng.beta(1.2, 2.2))
                self.add("trees", self.tree(float(x), float(y), size), (BEFORE,) if gone else BOTH)

    def outline(self, x0: float, y0: float, x1: float, y1: float, rough_px: float) -> Polygon:
        """Outline of a box with wandering edges."""
        ring = shapely.segmentize(box(x0, y0, x1, y1).exterior, 28).coords[:-1]
        points = [(x + self.pick(-rough_px, rough_px), y + self.pick(-rough_px, rough_px)) for x, y in ring]
        return Polygon(smooth([*points, points[0]], 4)).buffer(0)

    def patch(self, material: str, area: Polygon, soft_px: float, dates: Sequence[int] = BOTH) -> None:
        self.add("patches", Patch(material, tuple(area.exterior.coords), soft_px), dates)

    def keep_free(self) -> None:
        """Take out the trees that would stand on a road, a house or a car park of their date."""
        for scene in self.scenes:
            solid = [LineString(road.points).buffer(road.width_px / 2 + 4) for road in scene.roads]
            solid += [Polygon(rectangle(b.x, b.y, b.length, b.depth, b.angle)).buffer(3) for b in scene.blocks]
            solid += [Polygon(points).buffer(2) for points in scene.paved]
            built = shapely.unary_union(solid)
            shapely.prepare(built)
            scene.trees = [tree for tree in scene.trees if not contains_xy(built, tree.x, tree.y)]


def plan(seed: int = 7) -> tuple[Scene, Scene]:
    """The sample's plan before and after: 4 × 5 tiles of 256 px, of which eight change."""
    planner = Planner(seed)
    _settled(planner)
    _estate_in_woods(planner)
    _estate_on_bare_land(planner)
    _hall(planner)
    _clearing(planner)
    planner.keep_free()
    return planner.scenes


def _settled(planner: Planner) -> None:
    """What stands at both dates: the old streets, the main road, meadows."""
    planner.patch("field", planner.outline(-10, 524, 246, 760, 5), 5.0)
    main = planner.street([(-20, 404), (200, 396), (520, 412), (800, 390), (1300, 402)], 19, marked=True)
    old = planner.street([(-20, 128), (180, 124), (340, 132), (500, 128)], 16)
    side = planner.street([(256, 128), (258, 260), (256, 400)], 15)
    planner.houses(old, 16, 24, 268, 1)
    planner.houses(old, 16, 24, 500, -1)
    planner.houses(old, 16, 300, 500, 1)
    planner.houses(side, 15, 100, 240, 1)
    planner.houses(main, 19, 20, 240, -1)
    planner.trees(box(0, 424, 250, 516), 20, (4, 10))
    planner.trees(box(290, 250, 760, 376), 70, (3, 10))
    planner.trees(box(0, 520, 1280, 1024), 60, (2.5, 8))


def _woods(planner: Planner, area: Polygon, felled: Polygon | None = None) -> None:
    planner.patch("forest", area, 6.0)
    planner.trees(area, round(area.area / 52), (3.5, 12), felled)


def _estate_in_woods(planner: Planner) -> None:
    """Upper right: a street with two rows of houses takes the place of woods."""
    felled = planner.outline(776, 12, 1320, 240, 5)
    _woods(planner, planner.outline(520, -40, 1330, 246, 8), felled)
    _woods(planner, planner.outline(1032, 268, 1330, 380, 6))
    planner.patch("grass", felled, 4.0, (AFTER,))
    street = planner.street([(780, 130), (1000, 122), (1300, 134)], 16, (AFTER,))
    for side in (-1, 1):
        planner.houses(street, 16, 14, 520, side, (AFTER,))


def _estate_on_bare_land(planner: Planner) -> None:
    """Bottom: along a street that was there, houses on prepared plots, a row that is pulled down, and two new houses on the meadow."""
    planner.patch("bare", planner.outline(-40, 782, 508, 1060, 6), 6.0)
    planner.patch("bare", planner.outline(780, 796, 1016, 1004, 6), 6.0, (AFTER,))
    street = planner.street([(-20, 900), (250, 892), (530, 904), (1016, 898), (1300, 906)], 16)
    for side in (-1, 1):
        planner.houses(street, 16, 26, 530, side, (AFTER,))
        planner.houses(street, 16, 545, 785, side)
        planner.houses(street, 16, 805, 1030, side, (BEFORE,))
    planner.houses(street, 16, 1120, 1226, -1, (AFTER,))


def _hall(planner: Planner) -> None:
    """Centre left: a hall with its car park and a drive from the main road, on what was meadow."""
    planner.patch("lawn", planner.outline(270, 526, 504, 756, 3), 3.0, (AFTER,))
    planner.add("paved", rectangle(387, 686, 206, 116), (AFTER,))
    planner.add("paved", rectangle(382, 458, 20, 106))
    planner.add("paved", rectangle(382, 576, 20, 132), (AFTER,))
    planner.add("blocks", Block(388, 578, 176, 74, 0.0, (196, 194, 190), 16.0, flat=True), (AFTER,))
    for y in (646, 690, 726):
        for x in range(292, 484, 7):
            planner.add("lines", (((x, y - 8), (x, y + 8)), STALL, 0.8), (AFTER,))
            if planner.rng.random() < 0.45:
                planner.add("cars", (x + 3.5, y, math.pi / 2, int(planner.rng.integers(6))), (AFTER,))


def _clearing(planner: Planner) -> None:
    """Centre right: woods felled for a cul-de-sac that begins at a stub of road."""
    felled = planner.outline(774, 522, 1018, 762, 5)
    _woods(planner, planner.outline(764, 516, 1330, 770, 7), felled)
    planner.patch("bare", felled, 6.0, (AFTER,))
    planner.street([(898, 396), (896, 450), (896, 508)], 16)
    planner.street([(896, 500), (896, 580), (892, 668)], 16, (AFTER,))
    turns = np.linspace(0, 2 * math.pi, 24)
    planner.add("paved", tuple((892 + 21 * math.cos(t), 684 + 21 * math.sin(t)) for t in turns), (AFTER,))
