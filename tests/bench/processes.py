"""Measured in processes of their own: areas and their memory, numbers of threads, and how soon the worker answers."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.contract.protocol import PROTOCOL_VERSION
from engine.contract.request import DEFAULT_MODEL, CaptionRequest
from engine.contract.tiles import TileRef
from engine.models import device

from .meter import wait_for

ROOT = Path(__file__).resolve().parents[2]
CLICKS = 20


def growth(folder: Path, areas: Mapping[int, CaptionRequest], model: str = DEFAULT_MODEL) -> list[dict]:
    """Time and largest memory of a process that captions an area, for each area."""
    return [{"model": model} | caption_area(folder, request.with_(model=model)) for request in areas.values()]


def caption_area(folder: Path, request: CaptionRequest, environment: Mapping[str, str] | None = None) -> dict:
    """One run of the command line: tiles, seconds, tiles a second, and the process's largest resident memory (MB)."""
    output, log = folder / "grown.gpkg", folder / "grown.jsonl"
    output.unlink(missing_ok=True)
    command = [sys.executable, "-m", "engine", "caption", request.before, request.after, "-o", str(output), "--model", request.model, "--json"]
    with open(log, "wb") as stream:
        process = subprocess.Popen(command, cwd=ROOT, stdout=stream, stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})})
        status, peak_mb = wait_for(process)
    last = json.loads(log.read_text("utf-8").splitlines()[-1])
    if status:
        raise SystemExit(f"captioning failed: {last}")
    result = last["result"]
    return {
        "tiles": result["total"],
        "seconds": round(result["elapsed_s"], 1),
        "tiles_per_s": round(result["tiles_per_s"], 2),
        "changed": result["changed"],
        "peak_mb": peak_mb,
    }


def lanes_of(folder: Path, request: CaptionRequest) -> dict:
    """Tiles a second with one thread, and with two and more up to the machine's cores."""
    counts = [count for count in (1, 2, 4, 8, 16) if count <= device.cores()]
    return {str(count): caption_area(folder, request, {"OMP_NUM_THREADS": str(count)})["tiles_per_s"] for count in counts}


def worker_times(request: CaptionRequest, refs: Sequence[TileRef], folder: Path) -> dict:
    """Seconds until a worker is ready and has answered its first click, and milliseconds of further clicks, each on another tile."""
    log = open(folder / "worker.log", "wb")  # noqa: SIM115 (open as long as the worker runs)
    start_s = time.perf_counter()
    worker = subprocess.Popen([sys.executable, "-m", "engine", "worker"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
    assert worker.stdin and worker.stdout
    _send(worker, {"type": "hello", "protocol": PROTOCOL_VERSION})
    _until(worker, "ready")
    found = {"ready_s": round(time.perf_counter() - start_s, 2)}
    clicks_s = []
    for number, (x, y) in enumerate(_middles(request, refs)):
        begun_s = time.perf_counter()
        _send(worker, {"type": "caption_at", "id": str(number), "request": request.to_json(), "x": x, "y": y})
        _until(worker, "result")
        clicks_s.append(time.perf_counter() - begun_s)
    _send(worker, {"type": "shutdown"})
    worker.wait(30)
    log.close()
    warm_ms = [1000 * seconds for seconds in clicks_s[1:]]
    return found | {
        "first_click_s": round(clicks_s[0], 2),
        "click_ms": round(statistics.median(warm_ms), 1),
        "slowest_click_ms": round(max(warm_ms), 1),
    }


def _middles(request: CaptionRequest, refs: Sequence[TileRef]) -> list[tuple[float, float]]:
    import rasterio

    with rasterio.open(request.before) as raster:
        return [raster.transform * (ref.col_off + ref.width / 2, ref.row_off + ref.height / 2) for ref in refs[:CLICKS]]


def _send(worker: subprocess.Popen, message: dict) -> None:
    assert worker.stdin
    worker.stdin.write(json.dumps(message).encode() + b"\n")
    worker.stdin.flush()


def _until(worker: subprocess.Popen, kind: str) -> dict:
    assert worker.stdout
    for line in worker.stdout:
        message = json.loads(line)
        if message["type"] == kind:
            return message
        if message["type"] == "error":
            raise SystemExit(f"the worker failed: {message}")
    raise SystemExit("the worker ended")
