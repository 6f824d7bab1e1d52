"""The proof that an environment works: the engine itself captions a made-up tile there."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...engine.contract.errors import EngineError
from ..client.call import never
from ..client.worker_client import LAUNCHER, PLUGIN_FOLDER
from ..i18n import tr
from . import pip_run


@dataclass(frozen=True)
class Proof:
    """What the engine said of its environment.

    torch : version. device : what computed the forward pass. message : its result in words. gpu_problem : why no GPU computes.
    """

    torch: str
    device: str
    message: str
    gpu_problem: str


def prove(python: Path, is_cancelled: Callable[[], bool] = never) -> Proof:
    """Run the engine's own check, with a real forward pass of the default model on the best device, in another Python.

    Raises
    ------
    Cancelled
        ``is_cancelled`` became true.
    EngineError
        The engine does not start there, or a check fails.
    """
    lines: list[str] = []
    ending = ""
    try:
        pip_run.run([str(python), str(LAUNCHER), str(PLUGIN_FOLDER), "doctor"], is_cancelled, lines.append)
    except EngineError as error:  # a failed check ends so too, and its report says more
        ending = str(error)
    report = next((found for line in reversed(lines) if (found := _result(line)) is not None), None)
    need, do = tr("an environment in which the engine captions a tile"), tr("try again; or choose a Python that has PyTorch")
    if report is None:
        raise EngineError(tr("the engine does not start in {python} ({ending})", python=python, ending=ending or tr("no output")), need, do)
    failed = [f"{check['check']}: {check['message']}" for check in report["checks"] if not check["ok"]]
    if failed:
        raise EngineError("; ".join(failed), need, do)
    gpus = [found for found in report["devices"] if found["device"] == "cuda"]
    return Proof(report["torch"], report["device"], report["checks"][-1]["message"], gpus[0]["reason"] if gpus else "")


def _result(line: str) -> dict | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found["result"] if isinstance(found, dict) and found.get("type") == "result" else None
