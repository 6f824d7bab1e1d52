"""The folder of a training run: settings.json, last.pt to resume from, best.pt, and log.csv with a row per event."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from engine.contract.errors import InputError


@dataclass(frozen=True)
class RunFolder:
    """Files of a run in ``path``; ``fields`` are the columns of its log.

    Each checkpoint is written under another name first, so that a run killed while it writes leaves the last whole state.
    """

    path: Path
    fields: Sequence[str]

    def begin(self, architecture: str, data: Path | str, **settings: Any) -> None:
        """Make the folder and write settings.json, which ``changescribe export`` reads."""
        self.path.mkdir(parents=True, exist_ok=True)
        members = {"architecture": architecture, "data": str(data)} | settings
        (self.path / "settings.json").write_text(json.dumps(members, indent=1), "utf-8")

    def last(self) -> dict[str, Any] | None:
        """The state that ``keep_last`` wrote; None where the run begins."""
        path = self.path / "last.pt"
        return torch.load(path, map_location="cpu", weights_only=True) if path.is_file() else None

    def keep_last(self, state: Mapping[str, Any]) -> None:
        self._write("last", state)

    def keep_best(self, state: Mapping[str, Any]) -> None:
        self._write("best", state)

    def log(self, record: Mapping[str, Any]) -> None:
        append_row(self.path / "log.csv", record, self.fields)

    def _write(self, name: str, state: Mapping[str, Any]) -> None:
        part = self.path / f"{name}.part"
        torch.save(dict(state), part)
        part.replace(self.path / f"{name}.pt")


def append_row(path: Path, record: Mapping[str, Any], fields: Sequence[str]) -> None:
    """Add ``record`` to the CSV file, whose columns are ``fields``; members that are no column are only printed."""
    print(json.dumps(record), flush=True)
    new = not path.is_file()
    with path.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fields, extrasaction="ignore")
        if new:
            writer.writeheader()
        writer.writerow(record)


def read_settings(run: Path) -> dict[str, Any]:
    """settings.json of a run.

    Raises
    ------
    InputError
        No such run.
    """
    try:
        return json.loads((run / "settings.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{run} holds no training run ({error})", "the folder that `changescribe train` wrote", "name that folder") from error


def read_best(run: Path, trainer: str, name: str = "best.pt") -> tuple[dict[str, Any], dict[str, Any]]:
    """settings.json and best.pt of a run of ``trainer``, a module's name.

    Raises
    ------
    InputError
        No such run, or none with a validation.
    """
    try:
        settings = json.loads((run / "settings.json").read_text("utf-8"))
        return settings, torch.load(run / name, map_location="cpu", weights_only=True)
    except (OSError, ValueError) as error:
        raise InputError(f"{run} holds no trained network ({error})", f"settings.json and {name}", f"train with {trainer}") from error
