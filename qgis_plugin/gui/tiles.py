"""Captioned tiles in a list: their texts, the model, and which of them are shown."""

from __future__ import annotations

from dataclasses import dataclass

from qgis.PyQt.QtCore import QAbstractTableModel, QModelIndex, QSortFilterProxyModel, Qt

from ..i18n import mark, tr
from .plain import tool_tip

COLUMNS = (mark("Score"), mark("What changed"), mark("Classes"), mark("Tile"))
SCORE, CAPTION, CLASSES, TILE = range(4)
TILE_ROLE = int(Qt.ItemDataRole.UserRole)
CHANGES = ("added", "removed", "altered")
VERDICTS, CORRECTED = {"right": " ✓", "wrong": " ✗"}, " ✎"
STATUS_TEXTS = {"skipped_nodata": mark("(skipped: too little data)"), "failed": mark("(failed)")}


def classes_text(properties: dict, between: str = "  ") -> str:
    """Classes with a sign: + building; road  − vegetation  ~ water (added, removed, altered)."""
    parts = [f"{sign} {properties[name]}" for sign, name in (("+", "added"), ("−", "removed"), ("~", "altered")) if properties.get(name)]
    return between.join(parts)


def caption_text(properties: dict) -> str:
    """The caption that holds, a person's before the model's, and the verdict on it."""
    if properties.get("edited_caption"):
        return properties["edited_caption"] + CORRECTED
    status = STATUS_TEXTS.get(properties.get("status", ""))
    text = properties.get("caption") or (tr(status) if status else "")
    return text + VERDICTS.get(properties.get("review") or "", "")


class TileModel(QAbstractTableModel):
    """Tiles in the order they came; a tile that comes again (a resumed failure) replaces the first."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self.tiles: list[dict] = []
        self._rows: dict[str, int] = {}

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.tiles)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        return len(COLUMNS)

    def headerData(self, section: int, orientation, role=Qt.ItemDataRole.DisplayRole):
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return tr(COLUMNS[section])
        return None

    def data(self, index: QModelIndex, role=Qt.ItemDataRole.DisplayRole):
        tile = self.tiles[index.row()]
        properties = tile["properties"]
        if role == TILE_ROLE:
            return tile
        if role == Qt.ItemDataRole.ToolTipRole and index.column() in (CAPTION, CLASSES):
            return tool_tip(f"{caption_text(properties)}\n{classes_text(properties)}".strip())
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() == SCORE:
            return Qt.AlignmentFlag.AlignCenter
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        score = properties.get("change_score")
        return ("" if score is None else f"{score:.2f}", caption_text(properties), classes_text(properties, "\n"), properties["tile_id"])[
            index.column()
        ]

    def add(self, tiles: list[dict]) -> None:
        new: list[dict] = []
        for tile in tiles:
            row = self._rows.get(tile["properties"]["tile_id"])
            if row is None:
                self._rows[tile["properties"]["tile_id"]] = len(self.tiles) + len(new)
                new.append(tile)
            elif row < len(self.tiles):
                self.tiles[row] = tile
                self.dataChanged.emit(self.index(row, 0), self.index(row, len(COLUMNS) - 1))
        if new:
            self.beginInsertRows(QModelIndex(), len(self.tiles), len(self.tiles) + len(new) - 1)
            self.tiles.extend(new)
            self.endInsertRows()

    def update(self, tile_id: str, values: dict) -> None:
        """Take over values of a tile that somebody has edited."""
        row = self._rows.get(tile_id)
        if row is not None:
            self.tiles[row]["properties"].update(values)
            self.dataChanged.emit(self.index(row, 0), self.index(row, len(COLUMNS) - 1))

    def clear(self) -> None:
        self.beginResetModel()
        self.tiles, self._rows = [], {}
        self.endResetModel()


@dataclass(frozen=True)
class TileQuery:
    """Which tiles are wanted: changed ones alone, of a class (empty: any), from a change score on, whose texts hold every word (lower case)."""

    changed_only: bool = True
    class_name: str = ""
    min_score: float = 0.0
    words: tuple[str, ...] = ()

    def accepts(self, properties: dict) -> bool:
        if self.changed_only and not properties.get("changed"):
            return False
        if self.class_name and not any(self.class_name in (properties.get(name) or "").split("; ") for name in CHANGES):
            return False
        if self.min_score > 0 and (properties.get("change_score") or 0.0) < self.min_score:
            return False
        text = f"{caption_text(properties)} {classes_text(properties)} {properties['tile_id']}".lower()
        return all(word in text for word in self.words)

    def subset(self, fields: list[str]) -> str:
        """The same as a layer's filter, in what SQLite and QGIS's expressions have in common; empty for all tiles.

        Parameters
        ----------
        fields : the layer's; those of older versions lack ``edited_caption``
        """
        parts = ['"changed" = true'] if self.changed_only else []
        if self.class_name:
            parts.append("(" + " OR ".join(f"coalesce(\"{name}\", '') LIKE '%{self.class_name}%'" for name in CHANGES) + ")")
        if self.min_score > 0:
            parts.append(f'"change_score" >= {self.min_score:.4f}')
        caption = "coalesce(nullif(\"edited_caption\", ''), \"caption\", '')" if "edited_caption" in fields else "coalesce(\"caption\", '')"
        text = " || ' ' || ".join([caption, *(f"coalesce(\"{name}\", '')" for name in CHANGES), '"tile_id"'])
        # LIKE's wildcards in a word become wildcards of one sign: the two dialects escape them in different ways.
        parts += [f"lower({text}) LIKE '%{word.replace(chr(39), chr(39) * 2).replace('%', '_')}%'" for word in self.words]
        return " AND ".join(parts)


class TileFilter(QSortFilterProxyModel):
    """The tiles of a query, sortable by score."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self.query = TileQuery()

    def set_query(self, query: TileQuery) -> None:
        self.query = query
        self.invalidateFilter()

    def filterAcceptsRow(self, row: int, parent: QModelIndex) -> bool:
        return self.query.accepts(self.sourceModel().tiles[row]["properties"])

    def lessThan(self, left: QModelIndex, right: QModelIndex) -> bool:
        if left.column() != SCORE:
            return super().lessThan(left, right)
        scores = [self.sourceModel().tiles[index.row()]["properties"].get("change_score") for index in (left, right)]
        return (scores[0] if scores[0] is not None else -1.0) < (scores[1] if scores[1] is not None else -1.0)
