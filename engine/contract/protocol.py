"""The worker's protocol: JSON lines over stdin and stdout, one object a line, UTF-8.

Parent to worker
    {"type": "hello", "protocol": 1}                                    first line; answered by ready
    {"type": "caption", "id", "request", "output": path or null, "resume": bool, "heatmap": path or null, "heatmap_threshold": 0..1 or null}
        captions an area; output null writes no file (the tile messages are the result); heatmap: see schema.HeatmapOutput, may be left out
    {"type": "caption_at", "id", "request", "x", "y"}                   the tile under a point in the grid's CRS (a click)
    {"type": "describe", "id", "request"}                               tiles, CRS, ground resolution, warnings; captions nothing
    {"type": "preview", "id", "request"}                                a tile of the area as the model will see it: see engine.run.preview
    {"type": "report", "id", "report": ReportRequest.to_json()}         a page on a layer of captions
    {"type": "export_reviewed", "id", "export": {"layer", "output", "before", "after"}}    reviewed tiles as a data set; rasters may be null
    {"type": "sample", "id", "sample": {"layer", "output", "by", "size"}}       tiles to judge; more members: accuracy.design.SampleOptions
    {"type": "accuracy", "id", "accuracy": {"sample", "layer", "json", "csv"}}  estimates from a judged sample; all but sample may be null
    {"type": "models", "id"} · {"type": "doctor", "id"}
    {"type": "cancel", "id"}                                            read by a thread; acts between batches
    {"type": "shutdown"}                                                as does the end of stdin
Worker to parent
    {"type": "ready", "protocol", "engine", "python", "torch", "device", "pid"}
    {"type": "progress", "id", "done", "total", "captioned", "changed", "unchanged", "skipped", "failed", "tiles_per_s", "eta_s"}
    {"type": "tile", "id", "tile": TileCaption.to_json()}
    {"type": "log", "id" or null, "level": "info" | "warning" | "error", "message"}
    {"type": "heartbeat", "busy": id or null}                           every HEARTBEAT_S
    {"type": "result", "id", "result": {...}}                           ends a request
    {"type": "error", "id" or null, **ChangeScribeError.to_json()}      ends a request; the worker lives on

Every request ends with exactly one result or error. A cancelled one ends with error code "cancelled";
tiles already sent or written stay. One request runs at a time; others wait in order.
Light module: standard library only, Python 3.9 (QGIS imports it).
"""

from __future__ import annotations

import json
from typing import Any

from .errors import ProtocolError

PROTOCOL_VERSION = 1
HEARTBEAT_S = 2.0
MAX_LINE_CHARS = 4_000_000
REQUEST_TYPES = (
    "hello",
    "caption",
    "caption_at",
    "describe",
    "preview",
    "report",
    "export_reviewed",
    "sample",
    "accuracy",
    "models",
    "doctor",
    "cancel",
    "shutdown",
)
EVENT_TYPES = ("ready", "progress", "tile", "log", "heartbeat", "result", "error")


def dumps(message: dict) -> str:
    """One protocol line: compact JSON without newlines; NaN is an error, not a token."""
    return json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def encode(message: dict) -> bytes:
    """Message to one line of UTF-8, newline included; half a surrogate pair, which UTF-8 has no bytes for, as JSON's escape of it."""
    return (dumps(message) + "\n").encode("utf-8", "backslashreplace")


def decode(line: Any, types: tuple = REQUEST_TYPES) -> dict:
    """One line (str or bytes) to a message.

    Raises
    ------
    ProtocolError
        Oversized line, not JSON, not an object, or a type that is not among ``types``.
    """
    if len(line) > MAX_LINE_CHARS:
        raise ProtocolError(f"a line of {len(line)} characters", f"at most {MAX_LINE_CHARS}", "send smaller messages")
    try:
        text = line.decode("utf-8") if isinstance(line, bytes) else line
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"a line that is not JSON ({error})", "one JSON object a line", "look at what writes to the worker's stdin") from None
    if not isinstance(message, dict) or message.get("type") not in types:
        got = message.get("type") if isinstance(message, dict) else type(message).__name__
        raise ProtocolError(f"message type {got!r}", "one of " + ", ".join(types), "use the same version of plugin and engine")
    return message
