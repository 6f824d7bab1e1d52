"""``changescribe doctor``: whether this machine can caption, and what is wrong if not."""

from __future__ import annotations

import platform
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version

import fiona
import numpy as np
import rasterio
import rasterio.crs
import torch

from .. import __version__, registry
from ..contract.errors import ChangeScribeError
from ..contract.request import DEFAULT_MODEL
from ..models import device
from ..models.captioner import CaptionOptions
from ..registry import files as model_files

PACKAGES = ("numpy", "rasterio", "fiona", "shapely", "safetensors", "pillow", "rich", "pycocoevalcap")


def report(model_id: str = DEFAULT_MODEL) -> dict:
    """Versions, devices, weights and the checks; ``ok`` says whether all checks passed."""
    checks = [_projections(), _temporary_folder(), *_weights(model_id), _forward_pass(model_id)]
    return {
        "ok": all(check["ok"] for check in checks),
        "changescribe": __version__,
        "python": platform.python_version(),
        "executable": sys.executable,
        "platform": platform.platform(),
        "torch": torch.__version__,
        "gdal": rasterio.__gdal_version__,
        "fiona_gdal": fiona.__gdal_version__,
        "packages": {name: _version(name) for name in PACKAGES},
        "device": device.choose("auto").name,
        "devices": devices(),
        "checks": checks,
    }


def devices() -> list[dict]:
    """Each kind of device: whether it computes and, if not, why."""
    found: list[dict] = []
    for name in ("cpu", "cuda", "mps"):
        reason = device.why_not(name)
        found.append({"device": name, "ok": not reason, "reason": reason})
    found[0] |= {"cores": device.cores(), "threads": torch.get_num_threads(), "bf16": device.cpu_has_bf16()}
    if found[1]["ok"]:
        found[1] |= {"name": torch.cuda.get_device_name(), "memory_mb": torch.cuda.get_device_properties(0).total_memory >> 20}
    return found


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _check(name: str, ok: bool, message: str) -> dict:
    return {"check": name, "ok": ok, "message": message}


def _projections() -> dict:
    """PROJ finds its database: another program's PROJ_LIB is what most often breaks it."""
    try:
        crs = rasterio.crs.CRS.from_epsg(3857)
        return _check("projections", crs.is_projected, f"GDAL {rasterio.__gdal_version__} finds PROJ's database")
    except rasterio.errors.CRSError as error:
        return _check("projections", False, f"PROJ's database does not load ({error}). To do: unset PROJ_LIB, PROJ_DATA and GDAL_DATA.")


def _temporary_folder() -> dict:
    folder = tempfile.gettempdir()
    try:
        with tempfile.TemporaryFile() as stream:
            stream.write(b"x")
    except OSError as error:
        return _check("temporary folder", False, f"{folder} cannot be written ({error}). To do: free space, or set TMPDIR to a writable folder.")
    return _check("temporary folder", True, f"{folder} is writable")


def _weights(model_id: str) -> list[dict]:
    """The wanted model must be whole; another may be missing, but not damaged."""
    checks = []
    for row in registry.rows():
        state = model_files.check(row["id"])
        ok = state["state"] == "ok" or (state["state"] == "missing" and row["id"] != model_id)
        checks.append(_check(f"weights of {row['id']}", ok, state["message"] or f"{state['path']}: sha256 is right"))
    return checks


def _forward_pass(model_id: str) -> dict:
    """Caption one made-up pair with every tile counted as changed, the slowest case."""
    name = f"caption with {model_id}"
    try:
        start_s = time.perf_counter()
        captioner = registry.load(model_id, device.choose("auto").name)
        loaded_s = time.perf_counter()
        side = captioner.card.input_px
        rng = np.random.default_rng(0)
        before, after = (rng.integers(0, 256, (1, 3, side, side), dtype=np.uint8) for _ in range(2))
        caption = captioner.caption(before, after, CaptionOptions(threshold=0.0), (0,))[0]
    except (ChangeScribeError, RuntimeError, OSError) as error:
        return _check(name, False, str(error))
    done_s = time.perf_counter()
    return _check(name, True, f"loaded in {loaded_s - start_s:.2f} s, a tile in {done_s - loaded_s:.2f} s on {captioner.device}: {caption.text!r}")


def text(found: dict) -> str:
    """A report for people and for pasting into a bug report."""
    lines = [f"{name}: {found[name]}" for name in ("changescribe", "python", "executable", "platform", "torch", "gdal", "fiona_gdal", "device")]
    lines.append("packages: " + ", ".join(f"{name} {number or 'missing'}" for name, number in found["packages"].items()))
    for item in found["devices"]:
        details = ", ".join(f"{key} {value}" for key, value in item.items() if key not in ("device", "ok", "reason"))
        lines.append(f"device {item['device']}: {'computes' if item['ok'] else 'no: ' + item['reason']}{', ' + details if details else ''}")
    lines += [f"{'ok  ' if check['ok'] else 'FAIL'} {check['check']}: {check['message']}" for check in found["checks"]]
    return "\n".join(lines)
