"""The Python from which the managed environment is made: QGIS's own interpreter program, or the system's."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...engine.contract.errors import EngineError
from ..client import process
from ..i18n import tr

# Wheels of all that resources/engine-requirements.txt pins exist for these versions.
OLDEST, NEWEST = (3, 10), (3, 13)
CHECK_S = 30.0
CHECK_CODE = """
import importlib.util, json, platform, sys
lacks = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
print(json.dumps({"version": sys.version_info[:3], "lacks": lacks, "machine": platform.machine().lower()}))
"""


@dataclass(frozen=True)
class BasePython:
    """An interpreter to make environments from; ``machine`` is its processor in lower case, which need not be QGIS's (Rosetta)."""

    path: Path
    version: tuple[int, ...]
    machine: str


def candidates() -> Iterator[Path]:
    """Interpreter programs to try, best first, each once and only if it exists.

    Never ``sys.executable``: inside QGIS on Windows and macOS it is QGIS itself, and starting it opens a second window.
    """
    seen = set()
    prefixes = [Path(prefix) for prefix in (sys.base_prefix, sys.prefix, sys.base_exec_prefix)]
    names = ["python.exe"] if os.name == "nt" else [f"bin/python{sys.version_info[0]}.{sys.version_info[1]}", "bin/python3"]
    paths = [prefix / name for prefix in prefixes for name in names]
    # QGIS's application bundle keeps its interpreter beside the QGIS program.
    paths += [Path(sys.executable).parent / "bin" / "python3"] if sys.platform == "darwin" else []
    on_path = [f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    paths += [Path(found) for name in ["python3", *on_path, "python"] if (found := shutil.which(name))]
    for path in paths:
        # Windows puts stand-ins for the Store into WindowsApps: they open a shop window.
        if path not in seen and path.is_file() and "WindowsApps" not in path.parts:
            seen.add(path)
            yield path


def find_base_python() -> BasePython:
    """The first candidate of a supported version that can make virtual environments.

    Raises
    ------
    EngineError
        None can; says for each why, and what to install.
    """
    refused, lacks_venv = [], None
    for path in candidates():
        report = check(path)
        if report is None:
            refused.append(tr("{path} does not start", path=path))
            continue
        version = tuple(report["version"])
        spelled = ".".join(map(str, version))
        if not OLDEST <= version[:2] <= NEWEST:
            refused.append(tr("{path} is Python {version}", path=path, version=spelled))
        elif report["lacks"]:
            refused.append(tr("{path} (Python {version}) has no module {names}", path=path, version=spelled, names=", ".join(report["lacks"])))
            lacks_venv = lacks_venv or version
        else:
            return BasePython(path, version, report["machine"])
    raise EngineError(
        tr("no Python on this computer can run the engine ({reasons})", reasons="; ".join(refused) or tr("none found")),
        tr("Python {oldest} to {newest} with venv", oldest=_dotted(OLDEST), newest=_dotted(NEWEST)),
        _remedy(lacks_venv),
    )


def check(path: Path) -> dict | None:
    """Version and missing modules of an interpreter, or None if it does not run as one."""
    try:
        child = process.start([str(path), "-c", CHECK_CODE])
    except OSError:
        return None
    try:
        output, _ = child.communicate(timeout=CHECK_S)
        return json.loads(output)
    except (process.TimeoutExpired, ValueError):
        child.kill()
        child.communicate()
        return None


def _remedy(lacks_venv: tuple[int, ...] | None) -> str:
    if lacks_venv and sys.platform.startswith("linux"):
        return tr(
            "install it with `sudo apt install python3-venv` (Debian, Ubuntu: or python{version}-venv), then try again",
            version=_dotted(lacks_venv[:2]),
        )
    return tr("install Python 3.12 from python.org (or your system's packages), then try again; or choose a Python that has PyTorch in the settings")


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
