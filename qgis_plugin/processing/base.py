"""What the algorithms share: their place in the toolbox, the engine's parameters, and one run of the engine under a feedback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterEnum,
)
from qgis.PyQt.QtCore import QUrl
from qgis.PyQt.QtGui import QIcon

from ...engine.contract.errors import Cancelled, ChangeScribeError
from ..client.call import ignore
from ..client.worker_client import EngineClient
from ..i18n import error_text, tr
from .option_parameters import offered, options_from, parameter_of

RESOURCES = Path(__file__).absolute().parents[2] / "resources"  # not resolved: a staged folder is made of links
ICON = RESOURCES / "icons" / "changescribe.svg"
HELP_URL = QUrl.fromLocalFile(str(RESOURCES / "help" / "toolbox.html")).toString()  # of this version, and without a network too
POLL_S = 0.2

COUNTS = ("TILES", "CAPTIONED", "CHANGED", "SKIPPED", "FAILED")


class ChangeScribeAlgorithm(QgsProcessingAlgorithm):
    """Base of the algorithms; a subclass sets NAME, TITLE, TAGS, HELP and EXAMPLE, which are the parameters of a command.

    NOTE is a paragraph of help that several share; VALUES fill HELP's placeholders.
    """

    NAME = TITLE = HELP = NOTE = EXAMPLE = ""
    VALUES: dict[str, object] = {}
    TAGS: tuple[str, ...] = ()

    def name(self) -> str:
        return self.NAME

    def displayName(self) -> str:
        return tr(self.TITLE)

    def shortHelpString(self) -> str:
        paragraphs = [tr(self.HELP, **self.VALUES)]
        if self.NOTE:
            paragraphs.append(tr(self.NOTE))
        if self.EXAMPLE:
            paragraphs.append(f"{tr('On the command line:')} qgis_process run changescribe:{self.NAME} {self.EXAMPLE}")
        return "\n\n".join(paragraphs)

    def tags(self) -> list[str]:
        return ["change", "caption", "before", "after", "compare", "deep learning", *self.TAGS]

    def helpUrl(self) -> str:
        return HELP_URL

    def icon(self) -> QIcon:
        return QIcon(str(ICON))

    def createInstance(self) -> ChangeScribeAlgorithm:
        return type(self)()

    def add_engine_parameters(self) -> None:
        """Declare the advanced parameters that all captioning algorithms have."""
        for row in offered():
            self.addParameter(parameter_of(row))

    def engine_options(self, parameters: dict, context) -> dict:
        """The advanced parameters as members of a CaptionRequest."""
        return options_from(self, parameters, context)


def choice(name: str, title: str, values: list[str], default: str) -> QgsProcessingParameterEnum:
    """A list to choose from."""
    # Static strings: scripts and models hold the value itself, not its place in a list that may grow.
    return QgsProcessingParameterEnum(name, title, values, False, default, False, True)


def run_engine(
    message: dict, feedback: QgsProcessingFeedback, on_tile: Callable[[dict], None] = ignore, scale: tuple[float, float] = (0.0, 100.0)
) -> dict:
    """Send a request and follow it to its end: progress and logs go to the feedback, tiles to ``on_tile``.

    Parameters
    ----------
    scale : tuple of float
        Progress (percent) at the request's start and end.

    Returns
    -------
    dict
        The result's body.

    Raises
    ------
    Cancelled
        The feedback was cancelled; tiles up to then have been handed over.
    ChangeScribeError
        The engine's own error.
    """

    def on_event(event: dict) -> None:
        if event["type"] == "tile":
            on_tile(event["tile"])
        elif event["type"] == "progress":
            show_progress(event, feedback, scale)
        elif event["type"] == "log":
            show_log(event, feedback)

    return EngineClient.instance().submit(message).wait(feedback.isCanceled, on_event, POLL_S)


def ask_engine(message: dict, feedback: QgsProcessingFeedback) -> dict:
    """``run_engine`` with its errors as Processing's."""
    try:
        return run_engine(message, feedback)
    except Cancelled as error:
        raise QgsProcessingException(error_text(error)) from error
    except ChangeScribeError as error:
        raise as_processing(error) from error


def show_progress(event: dict, feedback: QgsProcessingFeedback, scale: tuple[float, float]) -> None:
    share = event["done"] / event["total"] if event.get("total") else 0.0
    feedback.setProgress(scale[0] + share * (scale[1] - scale[0]))
    text = tr("{done} of {total} tiles, {changed} changed", done=event["done"], total=event["total"], changed=event.get("changed", 0))
    if event.get("tiles_per_s"):
        text += tr(", {rate:.1f} tiles/s", rate=event["tiles_per_s"])
    if event.get("eta_s"):
        text += tr(", about {seconds:.0f} s left", seconds=event["eta_s"])
    feedback.setProgressText(text)


def show_log(event: dict, feedback: QgsProcessingFeedback) -> None:
    show = {"warning": feedback.pushWarning, "error": feedback.reportError}.get(event.get("level", "info"), feedback.pushInfo)
    show(event.get("message", ""))


def as_processing(error: ChangeScribeError) -> QgsProcessingException:
    """The error as Processing shows it: got, needed, to do."""
    return QgsProcessingException(error_text(error))
