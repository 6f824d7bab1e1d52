"""The surfaces that users' scripts and files depend on, read from the code: held against ``tests/contract/frozen.json``.

A name that stands in ``frozen.json`` must never go away or change its meaning; new names may come. The Processing part is read in QGIS by
``tests/plugin/test_frozen_processing.py``.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import fields
from pathlib import Path

from engine import cli, registry
from engine.contract import errors as engine_errors
from engine.contract import protocol as engine_protocol
from engine.contract import request as schema
from engine.contract import tiles
from engine.contract.fields import FIELDS
from engine.run import batch

FROZEN = Path(__file__).resolve().parents[1] / "contract" / "frozen.json"


def command_line() -> dict[str, list[str]]:
    """Options and positional arguments of each command, by its name ("models add")."""
    found: dict[str, list[str]] = {}

    def visit(parser: argparse.ArgumentParser, path: tuple[str, ...]) -> None:
        names = []
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for name, child in action.choices.items():
                    visit(child, (*path, name))
            else:
                names += action.option_strings or [f"<{action.dest}>"]
        found[" ".join(path)] = sorted(names)

    visit(cli.parser(), ())
    return found


def protocol() -> dict[str, list[str]]:
    """Message types and the members that the protocol's description gives each of them."""
    members = {}
    for name, text in re.findall(r'\{"type": "(\w+)"(.*)', engine_protocol.__doc__ or ""):
        members[name] = sorted(re.findall(r'"(\w+)"(?=[,:}])', text.split("}")[0] + "}"))
    return {
        "requests": list(engine_protocol.REQUEST_TYPES),
        "events": list(engine_protocol.EVENT_TYPES),
        **{f"members of {k}": v for k, v in members.items()},
    }


def exit_codes() -> dict[str, int]:
    """Exit code of each kind of error, by its code in JSON."""
    kinds = [kind for kind in vars(engine_errors).values() if isinstance(kind, type) and issubclass(kind, engine_errors.ChangeScribeError)]
    return {kind.__name__: kind.exit_code for kind in kinds}


def current() -> dict:
    """What the code offers now."""
    return {
        "command line": command_line(),
        "batch table": list(batch.COLUMNS),
        "request": {
            member.name: member.default if isinstance(member.default, (str, int, float)) else None for member in fields(schema.CaptionRequest)
        },
        "layer": [tiles.LAYER_NAME],
        "columns": [[field.name, field.kind] for field in FIELDS],
        "classes": list(tiles.CLASSES),
        "statuses": list(tiles.STATUSES),
        "reviews": list(tiles.REVIEWS),
        "models": [row["id"] for row in registry.rows()],
        "protocol": protocol(),
        "exit codes": exit_codes(),
    }
