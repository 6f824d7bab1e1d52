"""The log of a training run: a line of JSON on stdout and a row of log.csv."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def append_row(path: Path, record: Mapping[str, Any], fields: Sequence[str]) -> None:
    """Add ``record`` to the CSV file, whose columns are ``fields``; members that are no column are only printed."""
    print(json.dumps(record), flush=True)
    new = not path.is_file()
    with path.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fields, extrasaction="ignore")
        if new:
            writer.writeheader()
        writer.writerow(record)
