"""The panel's second page: the tiles that a run has found, sortable and searchable."""

from __future__ import annotations

from qgis.PyQt.QtCore import QModelIndex, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ....engine.contract.tiles import CLASSES as CLASS_NAMES
from ...i18n import tr
from .tiles import CAPTION, CLASSES, SCORE, TILE, TILE_ROLE, TileModel, TileQuery


class ResultsList(QWidget):
    """Filter, table, previous and next.

    Signals
    -------
    chosen : the tile body that the user picked
    queried : another TileQuery holds
    """

    chosen = pyqtSignal(dict)
    queried = pyqtSignal()

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.model = TileModel(self)
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Search: building, road…"))
        self.search.setClearButtonEnabled(True)
        self.changed_only = QCheckBox(tr("Changed only"))
        self.changed_only.setChecked(True)
        self.class_box = QComboBox()
        self.class_box.addItem(tr("All classes"), "")
        for name in CLASS_NAMES:
            self.class_box.addItem(name, name)
        self.class_box.setToolTip(tr("Tiles where this class was added, removed or altered"))
        self.min_score = QDoubleSpinBox()
        self.min_score.setRange(0.0, 1.0)
        self.min_score.setSingleStep(0.05)
        self.min_score.setPrefix(tr("score ≥ "))
        self.min_score.setSpecialValueText(tr("Any score"))
        self.min_score.setToolTip(tr("Tiles with at least this change score"))
        self.table = QTableView()
        self._set_up_table()
        self.count = QLabel()
        self.previous, self.next = QToolButton(), QToolButton()
        for button, arrow, tip in (
            (self.previous, Qt.ArrowType.LeftArrow, tr("Previous tile")),
            (self.next, Qt.ArrowType.RightArrow, tr("Next tile")),
        ):
            button.setArrowType(arrow)
            button.setToolTip(tip)
        self.load = QPushButton(tr("List active layer"))
        self.load.setToolTip(tr("Show the captions of the layer that is chosen in the layer tree"))
        top, filters, bottom = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        top.addWidget(self.search, 1)
        top.addWidget(self.changed_only)
        filters.addWidget(self.class_box, 1)
        filters.addWidget(self.min_score, 1)
        for widget, stretch in ((self.previous, 0), (self.next, 0), (self.count, 1), (self.load, 0)):
            bottom.addWidget(widget, stretch)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(top)
        layout.addLayout(filters)
        layout.addWidget(self.table, 1)
        layout.addLayout(bottom)
        for signal in (self.search.textChanged, self.changed_only.toggled, self.class_box.currentIndexChanged, self.min_score.valueChanged):
            signal.connect(self._query)
        self.table.clicked.connect(self._clicked)
        self.table.activated.connect(self._clicked)
        self.previous.clicked.connect(lambda: self.step(-1))
        self.next.clicked.connect(lambda: self.step(1))
        for signal in (self.model.rowsInserted, self.model.rowsRemoved, self.model.modelReset):
            signal.connect(self._count)
        self._count()

    def add(self, tiles: list[dict]) -> None:
        self.model.add(tiles)

    def clear(self) -> None:
        self.model.clear()
        self._count()

    def step(self, by: int) -> bool:
        """Choose the next or previous row, around the ends; whether there is one."""
        rows = self.model.rowCount()
        if not rows:
            return False
        current = self.table.currentIndex()
        row = (current.row() + by) % rows if current.isValid() else (0 if by > 0 else rows - 1)
        self.table.selectRow(row)
        self._clicked(self.model.index(row, 0))
        return True

    def _set_up_table(self) -> None:
        self.table.setModel(self.model)
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

    def _query(self, _value: object) -> None:
        words = tuple(self.search.text().lower().split())
        current = self.table.currentIndex()
        chosen = current.data(TILE_ROLE)["properties"]["tile_id"] if current.isValid() else ""
        self.model.set_query(TileQuery(self.changed_only.isChecked(), self.class_box.currentData(), self.min_score.value(), words))
        row = self.model.row_of(chosen)
        if row >= 0:
            self.table.selectRow(row)
        self.queried.emit()

    def _clicked(self, index: QModelIndex) -> None:
        self.chosen.emit(index.data(TILE_ROLE))

    def _count(self) -> None:
        self.count.setText(tr("{} of {} tiles", self.model.rowCount(), len(self.model.tiles)))
        for button in (self.previous, self.next):
            button.setEnabled(self.model.rowCount() > 0)
