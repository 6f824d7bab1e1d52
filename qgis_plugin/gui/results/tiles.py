"""Captioned tiles in a list: their texts, the model, and which of them are shown."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from qgis.PyQt.QtCore import QAbstractTableModel, QModelIndex, Qt

from ...i18n import mark, tr
from ..plain import tool_tip

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


def answer_text(properties: dict) -> str:
    """The answer to the run's question, or an empty text."""
    return tr("Answer: {}", properties["answer"]) if properties.get("answer") else ""


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
        parts = (caption_text(properties), classes_text(properties), properties.get("answer") or "", properties["tile_id"])
        text = " ".join(parts).lower()
        return all(word in text for word in self.words)

    def subset(self, fields: list[str]) -> str:
        """The same as a layer's filter, in what SQLite and QGIS's expressions have in common; empty for all tiles.

        Parameters
        ----------
        fields : the layer's; those of older versions lack ``edited_caption``, and only runs that asked a question have ``answer``
        """
        parts = ['"changed" = true'] if self.changed_only else []
        if self.class_name:
            parts.append("(" + " OR ".join(f"coalesce(\"{name}\", '') LIKE '%{self.class_name}%'" for name in CHANGES) + ")")
        if self.min_score > 0:
            parts.append(f'"change_score" >= {self.min_score:.4f}')
        caption = "coalesce(nullif(\"edited_caption\", ''), \"caption\", '')" if "edited_caption" in fields else "coalesce(\"caption\", '')"
        found = (*CHANGES, *(("answer",) if "answer" in fields else ()))
        text = " || ' ' || ".join([caption, *(f"coalesce(\"{name}\", '')" for name in found), '"tile_id"'])
        # LIKE's wildcards in a word become wildcards of one sign: the two dialects escape them in different ways.
        parts += [f"lower({text}) LIKE '%{word.replace(chr(39), chr(39) * 2).replace('%', '_')}%'" for word in self.words]
        return " AND ".join(parts)


class TileModel(QAbstractTableModel):
    """The tiles that a query wants, in order; a tile that comes again (a resumed failure) replaces the first.

    One model filters and sorts with Python's own sort: a QSortFilterProxyModel would call back into Python for each comparison, which stops the
    interface for seconds with tens of thousands of tiles.

    Attributes
    ----------
    tiles : list of dict
        All tile bodies, as they came.
    query : TileQuery
    """

    def __init__(self, parent=None):
        super().__init__(parent)
        self.tiles: list[dict] = []
        self.query = TileQuery()
        self._places: dict[str, int] = {}  # of tile ids in ``tiles``
        self._order: list[tuple[Any, int]] = []  # (sort key, place) of the shown tiles, ascending
        self._column, self._descending = SCORE, True

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._order)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        return len(COLUMNS)

    def headerData(self, section: int, orientation, role=Qt.ItemDataRole.DisplayRole):
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return tr(COLUMNS[section])
        return None

    def data(self, index: QModelIndex, role=Qt.ItemDataRole.DisplayRole):
        tile = self.tile(index.row())
        properties = tile["properties"]
        if role == TILE_ROLE:
            return tile
        if role == Qt.ItemDataRole.ToolTipRole and index.column() in (CAPTION, CLASSES):
            lines = (caption_text(properties), answer_text(properties), classes_text(properties))
            return tool_tip("\n".join(line for line in lines if line))
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() == SCORE:
            return Qt.AlignmentFlag.AlignCenter
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        score = properties.get("change_score")
        return ("" if score is None else f"{score:.2f}", caption_text(properties), classes_text(properties, "\n"), properties["tile_id"])[
            index.column()
        ]

    def tile(self, row: int) -> dict:
        """Body of the tile in a row."""
        return self.tiles[self._order[self._turned(row)][1]]

    def row_of(self, tile_id: str) -> int:
        """Row of a tile, -1 where it is not shown."""
        place = self._places.get(tile_id)
        return -1 if place is None else self._row(place)

    def add(self, tiles: list[dict]) -> None:
        for tile in tiles:
            place = self._places.get(tile["properties"]["tile_id"])
            if place is None:
                place = self._places[tile["properties"]["tile_id"]] = len(self.tiles)
                self.tiles.append(tile)
            else:
                self._hide(place)
                self.tiles[place] = tile
            self._show(place)

    def update(self, tile_id: str, values: dict) -> None:
        """Take over values of a tile that somebody has edited."""
        place = self._places.get(tile_id)
        if place is None:
            return
        properties = self.tiles[place]["properties"]
        edited = {**properties, **values}
        row = self._row(place)
        if row >= 0 and self.query.accepts(edited) and self._key(edited) == self._key(properties):
            properties.update(values)
            self.dataChanged.emit(self.index(row, 0), self.index(row, len(COLUMNS) - 1))
        else:
            self._hide(place)
            properties.update(values)
            self._show(place)

    def clear(self) -> None:
        self.beginResetModel()
        self.tiles, self._places, self._order = [], {}, []
        self.endResetModel()

    def set_query(self, query: TileQuery) -> None:
        """Show the tiles that another query wants."""
        self.beginResetModel()
        self.query = query
        self._sort(place for place, tile in enumerate(self.tiles) if query.accepts(tile["properties"]))
        self.endResetModel()

    def sort(self, column: int, order=Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; tiles without a score come last of the descending."""
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        places = [self._order[self._turned(index.row())][1] for index in before]
        self._column, self._descending = column, order == Qt.SortOrder.DescendingOrder
        self._sort(place for _, place in self._order)
        self.changePersistentIndexList(before, [self.index(self._row(place), index.column()) for place, index in zip(places, before)])
        self.layoutChanged.emit()

    def _sort(self, places: Iterable[int]) -> None:
        self._order = sorted((self._key(self.tiles[place]["properties"]), place) for place in places)

    def _key(self, properties: dict) -> Any:
        if self._column == SCORE:
            score = properties.get("change_score")
            return -1.0 if score is None else score
        return {CAPTION: caption_text, CLASSES: classes_text}.get(self._column, lambda values: values["tile_id"])(properties).lower()

    def _turned(self, row: int) -> int:
        """Place in the order of a row, or the row of a place."""
        return len(self._order) - 1 - row if self._descending else row

    def _row(self, place: int) -> int:
        entry = (self._key(self.tiles[place]["properties"]), place)
        at = bisect_left(self._order, entry)
        return self._turned(at) if at < len(self._order) and self._order[at] == entry else -1

    def _show(self, place: int) -> None:
        """Insert a tile where it belongs, if the query wants it."""
        properties = self.tiles[place]["properties"]
        if not self.query.accepts(properties):
            return
        entry = (self._key(properties), place)
        at = bisect_left(self._order, entry)
        row = len(self._order) - at if self._descending else at
        self.beginInsertRows(QModelIndex(), row, row)
        self._order.insert(at, entry)
        self.endInsertRows()

    def _hide(self, place: int) -> None:
        row = self._row(place)
        if row >= 0:
            self.beginRemoveRows(QModelIndex(), row, row)
            del self._order[self._turned(row)]
            self.endRemoveRows()
