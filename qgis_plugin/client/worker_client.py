"""One engine process a session, shared by the panel, the click tool and Processing.

>>> call = EngineClient.instance().submit({"type": "caption", "request": request.to_json(), "output": None, "resume": False})
>>> result = call.wait(feedback.isCanceled, on_event)
"""

from __future__ import annotations

import atexit
import threading
import uuid
from pathlib import Path
from typing import Callable

from qgis.PyQt.QtCore import QLockFile

from ...engine.contract.errors import EngineError
from ..i18n import tr
from ..setup import environment, locate
from .call import Call, ignore, never
from .worker_process import WorkerProcess

PLUGIN_FOLDER = Path(__file__).absolute().parents[2]  # not resolved: a staged folder is made of links
LAUNCHER = Path(__file__).absolute().with_name("launch.py")


class EngineClient:
    """Starts the engine when it is needed, hands requests to it, and starts it anew after it died. Thread-safe."""

    _instance: EngineClient | None = None
    _instance_lock = threading.Lock()

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._worker: WorkerProcess | None = None
        self._use: QLockFile | None = None  # while the managed environment's engine runs: nobody may remove it

    @classmethod
    def instance(cls) -> EngineClient:
        """The session's client."""
        with cls._instance_lock:
            if cls._instance is None:
                cls._instance = cls()
                atexit.register(cls._instance.shutdown)
            return cls._instance

    @property
    def ready(self) -> dict | None:
        """The running engine's ``ready`` message (engine, python, torch, device, pid), or None while none has said so."""
        worker = self._worker
        return worker.ready if worker is not None and worker.alive else None

    @property
    def running(self) -> bool:
        worker = self._worker
        return worker is not None and worker.alive

    @property
    def captioning(self) -> bool:
        """Whether a run over an area is at work, of the panel or of Processing, which later requests wait for."""
        worker = self._worker
        return worker is not None and worker.alive and worker.captioning

    @property
    def stderr_tail(self) -> list[str]:
        """Last lines of the engine's error output, for diagnostics; kept after its death."""
        worker = self._worker
        return worker.stderr_tail if worker is not None else []

    def start(self, is_cancelled: Callable[[], bool] = never, on_event: Callable[[dict], None] = ignore) -> dict:
        """Start the engine if it is not running and wait until it is ready; return its ``ready`` message.

        Raises
        ------
        EngineError
            There is no engine, or it does not start. Says what to do.
        Cancelled
            ``is_cancelled`` became true; the engine goes on starting.
        """
        worker = self._running_worker()
        if worker.ready is None:
            call = worker.waiting_for_ready(self._new_call({"type": "hello"}, worker))
            call.wait(is_cancelled, on_event)
        return worker.ready or {}

    def submit(self, message: dict) -> Call:
        """Send a request (its ``id`` is set here), starting the engine if need be; returns at once.

        Parameters
        ----------
        message : dict
            A request of engine.contract.protocol: caption, caption_at, describe, models or doctor.

        Raises
        ------
        EngineError
            There is no engine to start. What fails later comes through the call.
        """
        worker = self._running_worker()
        call = self._new_call(message, worker)
        worker.submit(call)
        return call

    def shutdown(self) -> None:
        """Stop the engine; the next request starts it again (after new settings, on unload and at exit)."""
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()
        self._use = None

    def _running_worker(self) -> WorkerProcess:
        with self._lock:
            if self._worker is None or not self._worker.alive:
                python = locate.find_python()
                self._use = None
                self._use = environment.use(python)
                try:
                    self._worker = WorkerProcess([str(python), str(LAUNCHER), str(PLUGIN_FOLDER)])
                except OSError as error:
                    raise EngineError(
                        tr("the engine's Python {python} cannot be started ({reason})", python=python, reason=error.strerror or error),
                        tr("a Python interpreter with the engine's libraries"),
                        locate.remedy(),
                    ) from error
            return self._worker

    @staticmethod
    def _new_call(message: dict, worker: WorkerProcess) -> Call:
        return Call(f"q{uuid.uuid4().hex[:12]}", message, worker.cancel, worker.heard_ago_s)
