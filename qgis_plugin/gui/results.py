"""The panel's second page: the tiles that a run has found, sortable and searchable, with both dates of the chosen one."""

from __future__ import annotations

from qgis.PyQt.QtCore import QAbstractTableModel, QModelIndex, QSortFilterProxyModel, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from ..i18n import mark, tr
from .plain import tool_tip

COLUMNS = (mark("Score"), mark("What changed"), mark("Classes"), mark("Tile"))
SCORE, CAPTION, CLASSES, TILE = range(4)
TILE_ROLE = int(Qt.ItemDataRole.UserRole)
VERDICTS, CORRECTED = {"right": " ✓", "wrong": " ✗"}, " ✎"
STATUS_TEXTS = {"skipped_nodata": mark("(skipped: too little data)"), "failed": mark("(failed)")}


def classes_text(properties: dict, between: str = "  ") -> str:
    """Classes with a sign: + building; road  − vegetation  ~ water (added, removed, altered)."""
    parts = [f"{sign} {properties[name]}" for sign, name in (("+", "added"), ("−", "removed"), ("~", "altered")) if properties.get(name)]
    return between.join(parts)


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


def caption_text(properties: dict) -> str:
    """The caption that holds, a person's before the model's, and the verdict on it."""
    if properties.get("edited_caption"):
        return properties["edited_caption"] + CORRECTED
    status = STATUS_TEXTS.get(properties.get("status", ""))
    text = properties.get("caption") or (tr(status) if status else "")
    return text + VERDICTS.get(properties.get("review") or "", "")


class TileFilter(QSortFilterProxyModel):
    """Changed tiles (or all), whose caption or classes hold every word of the search text."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self._words: list[str] = []
        self._changed_only = True

    def set_text(self, text: str) -> None:
        self._words = text.lower().split()
        self.invalidateFilter()

    def set_changed_only(self, on: bool) -> None:
        self._changed_only = on
        self.invalidateFilter()

    def filterAcceptsRow(self, row: int, parent: QModelIndex) -> bool:
        properties = self.sourceModel().tiles[row]["properties"]
        if self._changed_only and not properties.get("changed"):
            return False
        text = f"{caption_text(properties)} {classes_text(properties)} {properties['tile_id']}".lower()
        return all(word in text for word in self._words)

    def lessThan(self, left: QModelIndex, right: QModelIndex) -> bool:
        if left.column() != SCORE:
            return super().lessThan(left, right)
        scores = [self.sourceModel().tiles[index.row()]["properties"].get("change_score") for index in (left, right)]
        return (scores[0] if scores[0] is not None else -1.0) < (scores[1] if scores[1] is not None else -1.0)


class ResultsList(QWidget):
    """Search box, table, previous and next; ``chosen`` gives the tile body that the user picked."""

    chosen = pyqtSignal(dict)

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.model = TileModel(self)
        self.proxy = TileFilter(self)
        self.proxy.setSourceModel(self.model)
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Search: building, road…"))
        self.search.setClearButtonEnabled(True)
        self.changed_only = QCheckBox(tr("Changed only"))
        self.changed_only.setChecked(True)
        self.table = QTableView()
        self._set_up_table()
        self.count = QLabel()
        self.previous, self.next = QPushButton(tr("◀ Previous")), QPushButton(tr("Next ▶"))
        self.load = QPushButton(tr("List active layer"))
        self.load.setToolTip(tr("Show the captions of the layer that is chosen in the layer tree"))
        top, bottom = QHBoxLayout(), QHBoxLayout()
        top.addWidget(self.search, 1)
        top.addWidget(self.changed_only)
        for widget, stretch in ((self.previous, 0), (self.next, 0), (self.count, 1), (self.load, 0)):
            bottom.addWidget(widget, stretch)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(top)
        layout.addWidget(self.table, 1)
        layout.addLayout(bottom)
        self.search.textChanged.connect(self.proxy.set_text)
        self.changed_only.toggled.connect(self.proxy.set_changed_only)
        self.table.clicked.connect(self._clicked)
        self.table.activated.connect(self._clicked)
        self.previous.clicked.connect(lambda: self.step(-1))
        self.next.clicked.connect(lambda: self.step(1))
        for signal in (self.proxy.rowsInserted, self.proxy.rowsRemoved, self.proxy.modelReset, self.proxy.layoutChanged):
            signal.connect(self._count)
        self._count()

    def add(self, tiles: list[dict]) -> None:
        self.model.add(tiles)

    def clear(self) -> None:
        self.model.clear()
        self._count()

    def step(self, by: int) -> None:
        """Choose the next or previous row, around the ends."""
        rows = self.proxy.rowCount()
        if not rows:
            return
        current = self.table.currentIndex()
        row = (current.row() + by) % rows if current.isValid() else (0 if by > 0 else rows - 1)
        self.table.selectRow(row)
        self._clicked(self.proxy.index(row, 0))

    def _set_up_table(self) -> None:
        self.table.setModel(self.proxy)
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(SCORE, Qt.SortOrder.DescendingOrder)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setAlternatingRowColors(True)
        self.table.setWordWrap(True)
        self.table.setShowGrid(False)
        self.table.verticalHeader().hide()
        # Two lines for each row; a height for each content would take seconds with ten thousand tiles.
        self.table.verticalHeader().setDefaultSectionSize(round(2.6 * self.table.fontMetrics().height()))
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(CAPTION, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(44)
        for column, width in ((SCORE, 64), (CLASSES, 118), (TILE, 100)):
            self.table.setColumnWidth(column, width)
        self.table.setColumnHidden(TILE, True)

    def _clicked(self, index: QModelIndex) -> None:
        self.chosen.emit(index.data(TILE_ROLE))

    def _count(self) -> None:
        self.count.setText(tr("{} of {} tiles", self.proxy.rowCount(), self.model.rowCount()))
        for button in (self.previous, self.next):
            button.setEnabled(self.proxy.rowCount() > 0)
