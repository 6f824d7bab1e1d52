"""Which Python runs the engine: the user's choice, else the managed environment, else none."""

from __future__ import annotations

import json
import os
from pathlib import Path

from qgis.core import QgsSettings

from ...engine.contract.errors import EngineError
from ..client import process
from ..i18n import tr
from . import environment

PYTHON_KEY = "changescribe/python"
PYTHON_VARIABLE = "CHANGESCRIBE_PYTHON"
PROBED = ("torch", "rasterio", "shapely", "fiona", "numpy", "safetensors")
PROBE_S = 180.0

# Runs in the other interpreter: versions of what imports, the error's text of what does not.
PROBE_CODE = """
import importlib, json, platform, sys
report = {"python": platform.python_version(), "executable": sys.executable}
for name in sys.argv[1:]:
    try:
        report[name] = str(getattr(importlib.import_module(name), "__version__", "unknown"))
    except Exception as error:
        report[name] = None
        report.setdefault("errors", {})[name] = f"{type(error).__name__}: {error}"
print("PROBE" + json.dumps(report))
"""


def remedy() -> str:
    """What to do where there is no engine, or one that does not work."""
    return tr(
        "set up the engine in Settings > Options > ChangeScribe or with the algorithm 'Engine status' (INSTALL=true); "
        "or choose a Python that has it there or through the environment variable {variable}",
        variable=PYTHON_VARIABLE,
    )


def chosen_python() -> str | None:
    """The interpreter the user chose, by the setting or by the environment variable; None if neither is set."""
    return QgsSettings().value(PYTHON_KEY, "", str).strip() or os.environ.get(PYTHON_VARIABLE, "").strip() or None


def find_python() -> Path:
    """The interpreter that runs the engine. Looks at files only: fast, starts nothing.

    Raises
    ------
    EngineError
        The chosen one does not exist, or none is chosen and the managed environment is not there.
    """
    chosen = chosen_python()
    if chosen is not None:
        path = Path(chosen).expanduser()
        if not path.is_file():
            raise EngineError(
                tr("the chosen Python {chosen} does not exist", chosen=chosen), tr("a Python interpreter with the engine's libraries"), remedy()
            )
        return path
    managed = environment.python_path()
    if managed is None:
        raise EngineError(tr("the captioning engine is not set up"), tr("a Python environment with PyTorch, about 1 GB on disk"), remedy())
    return managed


def probe(python: Path) -> dict:
    """Run an interpreter and import the engine's libraries there.

    Returns
    -------
    dict
        ``python`` (version), ``executable``, each library's version, or None with its message in ``errors``.

    Raises
    ------
    EngineError
        The program does not start, is no Python, or one of the libraries cannot be imported.
    """
    try:
        child = process.start([str(python), "-c", PROBE_CODE, *PROBED])
        output, error_output = child.communicate(timeout=PROBE_S)
    except OSError as error:
        raise EngineError(
            tr("{python} cannot be started ({reason})", python=python, reason=error.strerror or error), tr("a Python interpreter"), remedy()
        ) from error
    except process.TimeoutExpired:
        child.kill()
        child.communicate()
        raise EngineError(
            tr("{python} did not answer within {seconds:g} s", python=python, seconds=PROBE_S), tr("a Python interpreter"), remedy()
        ) from None
    lines = [line for line in output.decode("utf-8", "replace").splitlines() if line.startswith("PROBE")]
    if not lines:
        said = (error_output or output).decode("utf-8", "replace").strip()[-300:]
        raise EngineError(
            tr("{python} does not work as a Python interpreter (exit {returncode}: {said})", python=python, returncode=child.returncode, said=said),
            tr("Python 3.10 or later"),
            remedy(),
        )
    report = json.loads(lines[-1][len("PROBE") :])
    if report.get("errors"):
        details = "; ".join(f"{name} ({text})" for name, text in report["errors"].items())
        raise EngineError(
            tr("{python} (Python {version}) cannot import {details}", python=python, version=report["python"], details=details),
            ", ".join(PROBED),
            remedy(),
        )
    return report
