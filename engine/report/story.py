"""What happened in an area, from its tiles: counts, areas by class, and a paragraph in plain English. Pure functions of the layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .figure import SIGNS, Cell
from .ground import Ground
from .layer import Layer

# Plural noun and the verb that fits it.
NOUNS = {
    "building": ("buildings", "were"),
    "road": ("roads", "were"),
    "parking": ("parking areas", "were"),
    "vegetation": ("vegetation", "was"),
    "water": ("water", "was"),
    "bareland": ("bare land", "was"),
    "other": ("other features", "were"),
}
NAMED_CLASSES = 4
HA_M2, KM2_M2 = 1e4, 1e6


@dataclass(frozen=True)
class ClassRow:
    """Changed tiles in which a class was added, removed or altered; the area is that of the tiles."""

    change: str
    name: str
    tiles: int
    area_m2: float

    def phrase(self) -> str:
        noun, verb = NOUNS[self.name]
        return f"{noun} {verb} {self.change}"


@dataclass(frozen=True)
class Story:
    """The figures of a report.

    Attributes
    ----------
    tiles, compared, changed, skipped, failed, disputed : numbers of tiles; ``compared`` are those of which is known whether they changed
    compared_m2, changed_m2 : ground under the compared and the changed tiles
    classes : largest area first
    where : as ``Ground.where``
    common : the commonest caption of the changed tiles and how many have it
    right, wrong : tiles that somebody marked so
    """

    tiles: int
    compared: int
    changed: int
    skipped: int
    failed: int
    disputed: int
    compared_m2: float
    changed_m2: float
    classes: tuple[ClassRow, ...]
    where: str | None
    common: tuple[str, int] | None
    right: int = 0
    wrong: int = 0

    @property
    def changed_share(self) -> float:
        """Share (0..1) of the compared ground that lies in changed tiles; 0 where nothing was compared."""
        return self.changed_m2 / self.compared_m2 if self.compared_m2 else 0.0

    def paragraph(self) -> str:
        """The summary; says nothing that is not in the figures."""
        return " ".join(part for part in (self._compared(), self._changed(), self._classes(), self._common(), self._reviewed()) if part)

    def _compared(self) -> str:
        left_out = [(self.skipped, "too little data"), (self.failed, "a failure"), (self.disputed, "a caption marked as wrong and not corrected")]
        reasons = listed([f"{count_tiles(number)} with {reason}" for number, reason in left_out if number])
        if not self.compared:
            return f"Nothing could be compared: the layer has {reasons}."
        verb = "was" if self.compared == 1 else "were"
        return f"{count_tiles(self.compared)} ({area_text(self.compared_m2)}) {verb} compared" + (f"; {reasons} left out." if reasons else ".")

    def _changed(self) -> str:
        if not self.compared:
            return ""
        if not self.changed:
            return "No change was found."
        if self.changed == self.compared:
            return "It shows change." if self.compared == 1 else "All of them show change."
        verb, place = "shows" if self.changed == 1 else "show", ""
        if self.where:
            place = f", in the {self.where}" if self.changed == 1 else f", mostly in the {self.where}"
        number = "One tile" if self.changed == 1 else f"{self.changed} tiles"
        return f"{number} {verb} change ({area_text(self.changed_m2)}, {percent(self.changed_share)} of the compared ground){place}."

    def _classes(self) -> str:
        rows = self.classes[:NAMED_CLASSES]
        if not rows:
            return "The captions name no class of what changed." if self.changed else ""
        if self.changed == 1:
            parts = [(change, [row for row in rows if row.change == change]) for _, change in SIGNS]
            return "There, " + listed([_phrase_of(change, having) for change, having in parts if having]) + "."
        # The area is said to be the tiles': a reader takes "buildings in 6 (9.84 ha)" for 9.84 ha of buildings.
        text = listed([f"{row.phrase()} in {count_tiles(row.tiles)} ({area_text(row.area_m2)} of tiles)" for row in rows])
        return f"{text[:1].upper()}{text[1:]}."

    def _common(self) -> str:
        return f"The commonest caption, on {self.common[1]} tiles, is “{self.common[0]}”." if self.common and self.common[1] > 1 else ""

    def _reviewed(self) -> str:
        if not self.right + self.wrong:
            which = "this caption" if self.changed == 1 else "these captions"
            return f"Nobody has marked {which} as right or wrong yet." if self.changed else ""
        parts = [f"{number} as {name}" for number, name in ((self.right, "right"), (self.wrong, "wrong")) if number]
        return f"A person has marked {listed(parts)}."


def _phrase_of(change: str, rows: Sequence[ClassRow]) -> str:
    """Buildings and water were added."""
    if len(rows) == 1:
        return rows[0].phrase()
    return f"{listed([NOUNS[row.name][0] for row in rows])} were {change}"


def tell(layer: Layer, ground: Ground) -> Story:
    """The figures of a layer."""
    cells = layer.cells
    compared = [cell for cell in cells if cell.properties["changed"] is not None]
    changed = [cell for cell in compared if cell.changed]
    statuses = Counter(cell.properties["status"] for cell in cells if cell.properties["changed"] is None)
    captions = Counter(cell.properties["caption"].strip() for cell in changed)
    reviews = Counter(cell.properties.get("review") for cell in cells)
    failed = statuses["failed"]
    return Story(
        tiles=len(cells),
        compared=len(compared),
        changed=len(changed),
        skipped=len(cells) - len(compared) - failed - layer.disputed,
        failed=failed,
        disputed=layer.disputed,
        compared_m2=ground.area_m2(compared),
        changed_m2=ground.area_m2(changed),
        classes=_by_class(changed, ground),
        where=ground.where(changed, compared),
        common=captions.most_common(1)[0] if captions else None,
        right=reviews["right"],
        wrong=reviews["wrong"],
    )


def _by_class(changed: Sequence[Cell], ground: Ground) -> tuple[ClassRow, ...]:
    rows = []
    for sign, change in SIGNS:
        for name in NOUNS:
            having = [cell for cell in changed if sign + name in cell.classes]
            if having:
                rows.append(ClassRow(change, name, len(having), ground.area_m2(having)))
    return tuple(sorted(rows, key=lambda row: -row.area_m2))


def top_changes(cells: Iterable[Cell], count: int) -> list[Cell]:
    """The changed tiles to show: high scores first, but a caption or a neighbourhood that was shown already counts half.

    Without that a new suburb would fill the page with one sentence.
    """
    left = [cell for cell in cells if cell.changed]
    shown: list[Cell] = []
    while left and len(shown) < count:
        best = max(left, key=lambda cell: _worth(cell, shown))
        shown.append(best)
        left.remove(best)
    return shown


def _worth(cell: Cell, shown: Sequence[Cell]) -> float:
    worth = cell.properties["change_score"] or 0.0
    for other in shown:
        near = all(abs((cell.properties[axis] or 0) - (other.properties[axis] or 0)) <= 1 for axis in ("row", "col"))
        worth *= (0.5 if near else 1.0) * (0.5 if cell.properties["caption"] == other.properties["caption"] else 1.0)
    return worth


def count_tiles(number: int) -> str:
    """1 tile, 2 tiles, 12,000 tiles."""
    return "1 tile" if number == 1 else f"{number:,} tiles"


def listed(parts: Sequence[str]) -> str:
    """a, b and c."""
    return ", ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else "".join(parts)


def area_text(m2: float) -> str:
    """Square metres, hectares or square kilometres, to three digits."""
    unit, size = ("m²", 1.0) if m2 < 1000 else ("ha", HA_M2) if m2 < KM2_M2 else ("km²", KM2_M2)
    value = m2 / size
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {unit}"


def percent(share: float) -> str:
    """Whole percents, but never 0 % of something or 100 % of less than all."""
    value = 100 * share
    if 0 < value < 0.5:
        return "less than 1 %"
    return "more than 99 %" if 99.5 <= value < 100 - 1e-9 else f"{value:.0f} %"
