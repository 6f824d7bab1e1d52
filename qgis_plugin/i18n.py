"""The interface in the user's language. English is in the sources; translations are ``resources/i18n/changescribe_LANGUAGE.ts``.

What is written into files stays English: captions, summaries, classes, the names and aliases of fields. So do the messages of the engine, a process
of its own that knows nothing of QGIS.
"""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QCoreApplication, QLocale, QTranslator

from ..engine.contract.errors import ChangeScribeError

CONTEXT = "ChangeScribe"
FOLDER = Path(__file__).absolute().parents[1] / "resources" / "i18n"  # not resolved: a staged folder is made of links


def tr(text: str, /, *values: object, **named: object) -> str:
    """The text in the user's language, its placeholders filled as ``str.format`` does.

    ``.ci/translations.py`` finds texts by this function's name: literals here or in ``mark``.
    """
    translated = QCoreApplication.translate(CONTEXT, text)
    return translated.format(*values, **named) if values or named else translated


def mark(text: str) -> str:
    """The same text: a literal that is translated where it is shown, because there is no translator yet when modules are imported."""
    return text


def error_text(error: ChangeScribeError) -> str:
    """An error as ``str`` has it, with its connecting words in the user's language."""
    parts = [error.got.rstrip(".")]
    if error.need:
        parts.append(tr("Needed: {}", error.need.rstrip(".")))
    if error.do:
        parts.append(tr("To do: {}", error.do.rstrip(".")))
    return ". ".join(parts) + "."


def install_translator() -> QTranslator | None:
    """Put QGIS's language in force, where there is a translation; the caller removes it."""
    translator = QTranslator()
    if not translator.load(QLocale(QgsApplication.locale()), "changescribe", "_", str(FOLDER)):
        return None
    QCoreApplication.installTranslator(translator)
    return translator
