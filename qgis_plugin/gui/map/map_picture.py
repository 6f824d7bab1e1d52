"""A map drawn in the background."""

from __future__ import annotations

from functools import partial

from qgis.core import QgsMapRendererParallelJob, QgsMapSettings
from qgis.PyQt.QtCore import QObject, pyqtSignal
from qgis.PyQt.QtGui import QImage


class MapPicture(QObject):
    """Draws the latest of the maps that it is given; ``drawn`` with its picture. Nothing here waits for a renderer."""

    drawn = pyqtSignal(QImage)

    def __init__(self, parent: QObject | None = None):
        super().__init__(parent)
        self._job: QgsMapRendererParallelJob | None = None
        self._ending: list[QgsMapRendererParallelJob] = []  # a job that is deleted while it works makes the interface wait for it

    def draw(self, settings: QgsMapSettings) -> None:
        self.stop()
        self._job = QgsMapRendererParallelJob(settings)
        self._job.finished.connect(partial(self._ended, self._job))
        self._job.start()

    def stop(self) -> None:
        """Drop the picture that is being drawn."""
        job, self._job = self._job, None
        if job is not None and job.isActive():
            self._ending.append(job)
            job.cancelWithoutBlocking()

    def dispose(self) -> None:
        """Wait until nothing is drawn any more (the plugin is unloaded)."""
        self.stop()
        for job in list(self._ending):
            job.cancel()
        self._ending.clear()

    def _ended(self, job: QgsMapRendererParallelJob) -> None:
        if job in self._ending:
            self._ending.remove(job)
        elif job is self._job:
            self._job = None
            self.drawn.emit(job.renderedImage())
