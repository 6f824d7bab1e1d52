"""What happened in an area, from its tiles: counts, shares, and a sentence. Pure functions."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

SHOWN_CAPTIONS = 3


@dataclass
class AreaSummary:
    """Tiles of one area added up.

    captioned : tiles with a caption, changed or not (of a tile's status and of the engine's counts, "captioned" are the changed ones alone).
    changed_share : share (0..1) of the compared ground that lies in changed tiles, or None if no ground was compared.
    added, removed, altered : class name → number of tiles.
    """

    tiles: int = 0
    captioned: int = 0
    changed: int = 0
    skipped: int = 0
    failed: int = 0
    added: Counter = field(default_factory=Counter)
    removed: Counter = field(default_factory=Counter)
    altered: Counter = field(default_factory=Counter)
    captions: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    compared_area: float = 0.0
    changed_area: float = 0.0

    @property
    def changed_share(self) -> float | None:
        return self.changed_area / self.compared_area if self.compared_area > 0 else None

    def add(self, properties: dict, area: float) -> None:
        """Add a tile by its properties and the ground (any unit) that it shares with the area."""
        self.tiles += 1
        if properties["status"] == "skipped_nodata":
            self.skipped += 1
        elif properties["status"] == "failed":
            self.failed += 1
        else:
            self.captioned += 1
            self.compared_area += area
            if properties["changed"]:
                self._add_change(properties, area)

    def _add_change(self, properties: dict, area: float) -> None:
        self.changed += 1
        self.changed_area += area
        self.captions[properties["caption"]] += area * (properties["change_score"] or 0.0)
        for name in ("added", "removed", "altered"):
            getattr(self, name).update(part for part in (properties[name] or "").split("; ") if part)

    def main_captions(self) -> list[str]:
        """Captions that tell most: by the ground they cover, weighted by the change score."""
        return sorted(self.captions, key=self.captions.__getitem__, reverse=True)[:SHOWN_CAPTIONS]

    def sentence(self) -> str:
        """A plain summary."""
        if self.tiles == 0:
            return "No tile lies here: the area is outside the rasters."
        if self.captioned == 0:
            return f"Nothing could be compared: {_reasons(self)}."
        left_out = f" Not compared: {_reasons(self)}." if self.skipped or self.failed else ""
        if self.changed == 0:
            return f"No change found in {_tiles(self.captioned)}.{left_out}"
        parts = [f"{name} {verb} in {number}" for verb in ("added", "removed", "altered") for name, number in getattr(self, verb).most_common()]
        details = ": " + ", ".join(parts) if parts else ""
        share = f"{100 * (self.changed_share or 0):.0f} %"
        return f"{self.changed} of {_tiles(self.captioned)} changed ({share} of the area){details}. Mostly: {self.main_captions()[0]}.{left_out}"


def _tiles(number: int) -> str:
    return f"{number} tile" if number == 1 else f"{number} tiles"


def _reasons(summary: AreaSummary) -> str:
    parts = [(summary.skipped, "without enough data"), (summary.failed, "failed")]
    return ", ".join(f"{_tiles(number)} {reason}" for number, reason in parts if number)


def counted(counter: Counter) -> str | None:
    """Numbers by class as text, such as building 2; road 1; None if there are none."""
    return "; ".join(f"{name} {number}" for name, number in counter.most_common()) or None


def row(summary: AreaSummary) -> list:
    """Values of AREA_FIELDS."""
    share = summary.changed_share
    return [
        summary.tiles, summary.captioned, summary.changed, summary.skipped, summary.failed, None if share is None else round(share, 4),
        counted(summary.added), counted(summary.removed), counted(summary.altered), "; ".join(summary.main_captions()) or None, summary.sentence(),
    ]  # fmt: skip


# (name, type, alias), of the area summaries' layer.
AREA_FIELDS = (
    ("tiles", "int", "Tiles"),
    ("captioned", "int", "Tiles with a caption, changed or not"),
    ("changed", "int", "Changed tiles"),
    ("skipped", "int", "Tiles without enough data"),
    ("failed", "int", "Failed tiles"),
    ("changed_share", "real", "Changed share of the area (0–1)"),
    ("added", "text", "Added (tiles)"),
    ("removed", "text", "Removed (tiles)"),
    ("altered", "text", "Altered (tiles)"),
    ("captions", "text", "Main captions"),
    ("summary", "text", "Summary"),
)
