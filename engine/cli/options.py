"""Run options on the command line: arguments and help from the rows of ``schema.OPTIONS``."""

from __future__ import annotations

import argparse
from typing import Any

from .. import registry
from ..contract.options import TABLE, Option
from ..contract.request import OPTIONS


def add(parser: Any, row: Option) -> None:
    """Add an option to a parser or a group of one. Not given, the argument is absent, and the request's own default holds."""
    settings: dict[str, Any] = {"dest": row.name, "default": argparse.SUPPRESS}
    if row.kind == "flag":
        settings["action"] = "store_true"
    elif row.choices:
        settings["choices"] = row.choices
    else:
        settings |= {"type": _reader(row), "metavar": row.metavar}
    parser.add_argument(row.flag, help=help_of(row) or None, **settings)


def help_of(row: Option) -> str:
    """Help text of an option; names the models or the samplers that there are."""
    if row.name == "model":
        return f"model id, one of {', '.join(entry['id'] for entry in registry.rows())} (default {row.default})"
    if row.name == "sampler":
        return "; ".join(f"{entry['id']}: {', '.join(entry['samplers'])}" for entry in registry.rows() if entry.get("samplers"))
    return row.help


def table_columns() -> tuple[str, ...]:
    """Columns that a table of ``changescribe batch`` may have."""
    rows = [row.name for row in OPTIONS.values() if row.name not in ("before", "after") and row.on(TABLE)]
    return ("before", "after", "output", *rows)


def _reader(row: Option) -> Any:
    if row.kind in ("int", "real"):
        return {"int": int, "real": float}[row.kind]  # which argparse names in its message

    def read(text: str) -> Any:
        try:
            return row.read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read
