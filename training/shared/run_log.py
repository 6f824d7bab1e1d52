"""What a training run leaves in its folder: a row of log.csv an event (and a line of JSON on stdout), and its best network."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from engine.contract.errors import InputError


def append_row(path: Path, record: Mapping[str, Any], fields: Sequence[str]) -> None:
    """Add ``record`` to the CSV file, whose columns are ``fields``; members that are no column are only printed."""
    print(json.dumps(record), flush=True)
    new = not path.is_file()
    with path.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fields, extrasaction="ignore")
        if new:
            writer.writeheader()
        writer.writerow(record)


def read_best(run: Path, trainer: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """settings.json and best.pt of a run of ``trainer``, a module's name.

    Raises
    ------
    InputError
        No such run, or none with a validation.
    """
    try:
        settings = json.loads((run / "settings.json").read_text("utf-8"))
        return settings, torch.load(run / "best.pt", map_location="cpu", weights_only=True)
    except (OSError, ValueError) as error:
        raise InputError(f"{run} holds no trained network ({error})", "settings.json and best.pt", f"train with {trainer}") from error
