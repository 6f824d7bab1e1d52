"""What the NVIDIA driver says: asked of its own library in another Python, so that QGIS neither loads it nor waits for it."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from ..client import process
from ..i18n import tr

ASK_S = 30.0
LIBRARIES = {"linux": "libcuda.so.1", "win32": "nvcuda.dll"}
# The CUDA driver API: cuInit, cuDriverGetVersion (1000 * major + 10 * minor) and the attributes
# CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR of the first device, which is the one that PyTorch takes.
ASK_CODE = """
import ctypes, json, sys
try:
    cuda = ctypes.CDLL(sys.argv[1])
except OSError:
    print(json.dumps({"missing": True}))
    sys.exit()
def call(name, *arguments):
    code = getattr(cuda, name)(*arguments)
    if code:
        print(json.dumps({"error": name + " answers " + str(code)}))
        sys.exit()
version, device, major, minor, title = ctypes.c_int(), ctypes.c_int(), ctypes.c_int(), ctypes.c_int(), ctypes.create_string_buffer(256)
call("cuInit", 0)
call("cuDriverGetVersion", ctypes.byref(version))
call("cuDeviceGet", ctypes.byref(device), 0)
call("cuDeviceGetName", title, 256, device)
call("cuDeviceGetAttribute", ctypes.byref(major), 75, device)
call("cuDeviceGetAttribute", ctypes.byref(minor), 76, device)
print(json.dumps({"name": title.value.decode("utf-8", "replace"), "cuda": version.value, "capability": [major.value, minor.value]}))
"""


@dataclass(frozen=True)
class Driver:
    """The first NVIDIA GPU, or why there is none to use.

    name : the GPU's. cuda : newest CUDA (major, minor) that the driver runs. capability : compute capability (major, minor).
    problem : "" or the reason; the other members are then empty.
    """

    name: str = ""
    cuda: tuple[int, int] = (0, 0)
    capability: tuple[int, int] = (0, 0)
    problem: str = ""


def ask(python: Path, library: str | None = None) -> Driver:
    """Ask the driver of this computer; takes a second at most where it works.

    Parameters
    ----------
    python : Path
        Any interpreter.
    library : str, optional
        The driver's library; by default the system's.
    """
    library = library or LIBRARIES.get("linux" if sys.platform.startswith("linux") else sys.platform)
    if library is None:
        return Driver(problem=tr("there is no NVIDIA driver for this system"))
    try:
        child = process.start([str(python), "-c", ASK_CODE, library])
        output, error_output = child.communicate(timeout=ASK_S)
        found = json.loads(output)
    except process.TimeoutExpired:
        child.kill()
        child.communicate()
        return Driver(problem=tr("the NVIDIA driver did not answer within {seconds:g} s", seconds=ASK_S))
    except OSError as error:
        return Driver(problem=tr("the NVIDIA driver could not be asked ({error})", error=error.strerror or error))
    except ValueError:  # the library crashed the process, or printed something
        said = error_output.decode("utf-8", "replace").strip()[-200:]
        return Driver(problem=tr("the NVIDIA driver does not answer (exit {code}{said})", code=child.returncode, said=f": {said}" if said else ""))
    if found.get("missing"):
        return Driver(problem=tr("no NVIDIA driver was found"))
    if "error" in found:
        return Driver(problem=tr("the NVIDIA driver reports no usable GPU ({error})", error=found["error"]))
    return Driver(found["name"], (found["cuda"] // 1000, found["cuda"] % 1000 // 10), (found["capability"][0], found["capability"][1]))
