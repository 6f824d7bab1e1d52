"""Diagnostics of the engine, and its set-up without a window."""

from __future__ import annotations

import html
import os
import platform
import re
from pathlib import Path

from qgis.core import (
    Qgis,
    QgsProcessingException,
    QgsProcessingOutputBoolean,
    QgsProcessingOutputHtml,
    QgsProcessingOutputString,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
)

from ...engine import __version__
from ...engine.contract.errors import Cancelled, ChangeScribeError
from ..client.worker_client import EngineClient
from ..i18n import error_text, mark, tr
from ..setup import builds, environment, install, locate
from .base import POLL_S, ChangeScribeAlgorithm, as_processing, show_log

INSTALL, BUILD, WHEELS, REPORT = "INSTALL", "BUILD", "WHEELS", "REPORT"
READY, STATUS = "READY", "STATUS"


class EngineStatus(ChangeScribeAlgorithm):
    NAME = "enginestatus"
    TITLE = mark("Engine status")
    TAGS = ("diagnostics", "install", "set up", "doctor", "torch")
    EXAMPLE = "--INSTALL=true --REPORT=engine.html"
    HELP = mark(
        "Says which Python runs the captioning engine, whether it works, on which device, and what to do if it does not. "
        "Attach its report when you ask for help.\n\n"
        "With 'Set up the engine' it first makes the engine's own Python environment in your user folder; QGIS's Python is left as it is. "
        "The NVIDIA driver decides which PyTorch it takes, unless you do: for the processor {cpu} to download and {cpu_disk} on disk, "
        "for an NVIDIA GPU {gpu} and {gpu_disk}. "
        "Cancelling is safe; the next set-up goes on where it stopped. Without a connection, name a folder of wheels.\n\n"
        "For a Python that you keep yourself (conda, HPC), choose it in Settings > Options > ChangeScribe "
        "or through the environment variable {variable}; then nothing needs to be set up here."
    )
    VALUES = {
        **{name: builds.amount(build.download_mb) for name, build in zip(("cpu", "gpu"), builds.BUILDS["linux"])},
        **{name: builds.amount(build.disk_mb) for name, build in zip(("cpu_disk", "gpu_disk"), builds.BUILDS["linux"])},
        "variable": locate.PYTHON_VARIABLE,
    }

    def initAlgorithm(self, configuration=None) -> None:
        self.addParameter(QgsProcessingParameterBoolean(INSTALL, tr("Set up the engine"), False))
        choices = [tr("chosen by the driver"), tr("CPU only"), "CUDA 13.0", "CUDA 12.6"]  # in the order of builds.IDS
        self.addParameter(QgsProcessingParameterEnum(BUILD, tr("PyTorch for"), choices, defaultValue=0))
        folder = QgsProcessingParameterFile.Behavior.Folder
        self.addParameter(QgsProcessingParameterFile(WHEELS, tr("Folder of wheels (offline set-up)"), folder, "", None, True))
        report = QgsProcessingParameterFileDestination(REPORT, tr("Report"), "HTML (*.html)", None, True)
        self.addParameter(report)
        self.addOutput(QgsProcessingOutputHtml("HTML", tr("Report")))
        self.addOutput(QgsProcessingOutputBoolean(READY, tr("Ready")))
        self.addOutput(QgsProcessingOutputString(STATUS, tr("Status")))

    def processAlgorithm(self, parameters, context, feedback) -> dict:
        if self.parameterAsBoolean(parameters, INSTALL, context):
            wanted = builds.IDS[self.parameterAsEnum(parameters, BUILD, context)]
            self._install(self.parameterAsString(parameters, WHEELS, context), wanted, feedback)
        lines, ready = diagnose(feedback)
        for name, text in lines:
            feedback.pushInfo(f"{name}: {text}")
        results = {READY: ready, STATUS: "\n".join(f"{name}: {text}" for name, text in lines)}
        path = self.parameterAsFileOutput(parameters, REPORT, context)
        if path:
            Path(path).write_text(redacted(as_html(lines)), "utf-8")
            results.update({REPORT: path, "HTML": path})
        return results

    def _install(self, wheels: str, wanted: str, feedback) -> None:
        def on_progress(share: float, text: str) -> None:
            feedback.setProgress(100 * share)
            feedback.pushInfo(text)

        try:
            feedback.pushInfo(install.plan(wanted).describe())
            # A running engine holds files of the environment open, which Windows does not let go.
            EngineClient.instance().shutdown()
            install.install(feedback.isCanceled, on_progress, Path(wheels) if wheels else None, wanted)
            note = environment.report().get("note")
            if note:
                feedback.pushWarning(note)
        except ChangeScribeError as error:
            raise as_processing(error) from error


def diagnose(feedback) -> tuple[list[tuple[str, str]], bool]:
    """What there is, as (name, text) lines, and whether the engine answers; starts the engine."""
    lines = [("ChangeScribe", __version__), ("QGIS", Qgis.QGIS_VERSION), ("System", f"{platform.platform()}, {platform.machine()}")]
    lines.append(("Managed environment", f"{environment.environment_folder()} ({'complete' if environment.python_path() else 'not set up'})"))
    lines += [(f"Managed environment: {name}", str(value)) for name, value in environment.report().items()]
    lines.append(("Chosen Python", locate.chosen_python() or "none"))
    client = EngineClient.instance()
    try:
        python = locate.find_python()
        lines.append(("Engine's Python", str(python)))
        lines += sorted((name, str(value)) for name, value in locate.probe(python).items())
        ready = client.start(feedback.isCanceled, lambda event: show_log(event, feedback))
        lines += [(f"Engine: {name}", str(ready.get(name))) for name in ("engine", "device", "pid")]
        answer = client.submit({"type": "doctor"}).wait(feedback.isCanceled, lambda event: show_log(event, feedback), POLL_S)
        lines += [(f"Check: {name}", _plain(value)) for name, value in answer.items()]
    except Cancelled as error:
        raise QgsProcessingException(error_text(error)) from error
    except ChangeScribeError as error:
        lines.append(("Problem", str(error)))
        return lines + [("Engine's last lines", " | ".join(client.stderr_tail) or "none")], False
    return lines, bool(answer.get("ok"))


def _plain(value) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(part)}" for name, part in value.items())
    if isinstance(value, list):
        return "; ".join(_plain(part) for part in value)
    return str(value)


def redacted(text: str) -> str:
    """The text without the name of the home folder, however it is spelled: as it is, with links resolved, with Qt's slashes, escaped."""
    homes = {home for home in (Path.home(), Path.home().resolve()) if home != Path(home.anchor)}
    spelled = {form for home in homes for form in (str(home), home.as_posix(), str(home).replace("\\", "\\\\"))}
    for form in sorted(spelled, key=len, reverse=True):
        text = re.sub(re.escape(form), "~", text, flags=re.IGNORECASE if os.name == "nt" else 0)
    return text


def as_html(lines: list[tuple[str, str]]) -> str:
    rows = "\n".join(f"<tr><th align='left'>{html.escape(name)}</th><td>{html.escape(text)}</td></tr>" for name, text in lines)
    return f"<!DOCTYPE html><html><head><meta charset='utf-8'><title>ChangeScribe</title></head><body><table>\n{rows}\n</table></body></html>\n"
