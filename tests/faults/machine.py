"""What of the faults this machine can do."""

import subprocess
import tempfile
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
QGIS_PYTHON = "/usr/bin/python3"  # to which the system's QGIS belongs


def anywhere():
    return True


@cache
def may_mount():
    """root, and a container that lets it mount a disk of its own"""
    with tempfile.TemporaryDirectory() as folder:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=False, capture_output=True).returncode == 0
        return mounted and subprocess.run(["umount", folder], check=False).returncode == 0


@cache
def has_qgis():
    """QGIS's Python, and the plugin staged by `make link`"""
    probe = subprocess.run([QGIS_PYTHON, "-c", "import qgis.core"], check=False, capture_output=True)
    return probe.returncode == 0 and (HERE.parents[1] / "build" / "changescribe" / "__init__.py").is_file()
