"""What the command line shows: rich on a terminal, or JSON lines on stdout for programs."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..contract.errors import ChangeScribeError
from ..contract.protocol import dumps
from . import streams as cli_streams

STYLES = {"warning": "yellow", "error": "red"}


class JsonOutput:
    """Every event, result and error is one JSON object a line on stdout, shaped as the worker's protocol has it."""

    def __enter__(self) -> JsonOutput:
        return self

    def __exit__(self, *exc: object) -> None:
        sys.stdout.flush()

    def event(self, event: dict, **labels: Any) -> None:
        line = dumps({**event, **labels})
        if not cli_streams.is_utf8(sys.stdout):  # JSON is UTF-8; escaped, it is the same in every encoding
            line = json.dumps(json.loads(line), separators=(",", ":"))
        print(line, flush=event["type"] != "tile")

    def result(self, result: dict) -> None:
        self.event({"type": "result", "result": result})

    def text(self, renderable: object) -> None:
        """Text is for people."""

    def error(self, error: ChangeScribeError) -> None:
        self.event({"type": "error", **error.to_json()})


class RichOutput:
    """A progress bar and messages on stderr, results as text on stdout."""

    def __init__(self) -> None:
        self.console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
        self.progress = Progress(*columns, console=self.console)
        self._tasks: dict[Any, Any] = {}

    def __enter__(self) -> RichOutput:
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._tasks:  # stopping a bar that never ran leaves an empty line
            self.progress.stop()

    def event(self, event: dict, **labels: Any) -> None:
        if event["type"] == "log":
            self.console.print(event["message"], style=STYLES.get(event["level"]), highlight=False, soft_wrap=True, markup=False)
        elif event["type"] == "progress":
            self._show(event, str(labels.get("job", "")) or "Captioning")

    def _show(self, event: dict, name: str) -> None:
        if name not in self._tasks:
            self.progress.start()
            self._tasks[name] = self.progress.add_task(name, total=event["total"], rate="")
        rate = f"{event['changed']} changed, {event['tiles_per_s']:.3g} tiles/s"
        self.progress.update(self._tasks[name], completed=event["done"], total=event["total"], rate=rate)

    def result(self, result: dict) -> None:
        """Results are for programs; people read ``text``."""

    def text(self, renderable: object) -> None:
        self._stop()
        sys.stderr.flush()
        Console(soft_wrap=True, highlight=False, markup=False).print(renderable)

    def error(self, error: ChangeScribeError) -> None:
        self._stop()
        self.console.print(f"Error: {error}", style="red", highlight=False, soft_wrap=True, markup=False)


def plan_text(plan: dict) -> str:
    lines = [
        f"{plan['tiles']} tiles of {plan['tile_px']} px, overlap {plan['overlap_px']} px, on {plan['width']} × {plan['height']} px",
        f"CRS {plan['crs']}, {plan['gsd_m']:g} m a pixel ({plan['model']['id']} was trained at {plan['model']['gsd_m']:g} m)",
        f"bands before {plan['before_bands']}, after {plan['after_bands']}",
    ]
    return "\n".join(lines + [f"warning: {text}" for text in plan["warnings"]])


def summary_text(summary: dict) -> str:
    counts = ", ".join(f"{summary[name]} {name}" for name in ("changed", "unchanged", "skipped", "failed"))
    resumed = f", {summary['resumed']} done before" if summary["resumed"] else ""
    speed = f"{summary['elapsed_s']:.1f} s, {summary['tiles_per_s']:.3g} tiles/s on {summary['device']}"
    files = " … ".join(summary["files"][:: max(1, len(summary["files"]) - 1)])
    return f"{files}: {summary['total']} tiles: {counts}{resumed} ({speed})"
