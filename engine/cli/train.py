"""``changescribe train`` and ``changescribe export``: hand over to ``training``, which only the repository has."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from ..contract.errors import InputError

# The wheel and the plugin hold the engine alone; in the repository ``training`` lies beside it.
ROOT = Path(__file__).resolve().parents[2]
# What trains a model of that name, and its arguments before the user's.
TRAINERS: dict[str, tuple[str, ...]] = {
    "scribe-s": ("training.scribe.train",),
    "scribe-s-quick": ("training.quick.train",),
    "dfm": ("training.dfm.train",),
    **{name: ("training.diffusion.train", "--preset", name) for name in ("diffusion-rscc", "kd-rscc", "diffusion-rscc-compact", "kd-rscc-compact")},
    "ccexpert": ("training.ccexpert.train",),
}


def add_command(commands: argparse._SubParsersAction) -> None:
    """The command's name for the list of commands; its options are those of what it hands over to."""
    text = f"tune the bundled model on reviewed tiles, or train {', '.join(TRAINERS)} (in the repository)"
    commands.add_parser("train", help=text, add_help=False)
    commands.add_parser("export", help="make a weights file of a finished training run, for `models add` (in the repository)", add_help=False)


def run(arguments: Sequence[str]) -> int:
    """Run what the first argument names, ``training.tuning.tune`` where it names nothing, and return its exit code.

    Raises
    ------
    InputError
        Only the engine is installed, or nothing trains a model of that name. What the training raises.
    """
    _verify_repository("train")
    (module, *first), rest = ("training.tuning.tune",), list(arguments)
    if rest and not rest[0].startswith("-"):
        name = rest.pop(0)
        if name not in TRAINERS:
            do = "name one, or leave it out to tune with --from-reviewed"
            raise InputError(f"nothing that trains {name!r}", "one of " + ", ".join(TRAINERS), do)
        module, *first = TRAINERS[name]
    return import_module(module).main([*first, *rest]) or 0


def export(arguments: Sequence[str]) -> int:
    """Run ``training.export``; raises as ``run``."""
    _verify_repository("export")
    return import_module("training.export").main(list(arguments)) or 0


def _verify_repository(command: str) -> None:
    """Raises InputError where only the engine is installed; else makes ``training`` importable."""
    if not (ROOT / "training" / "tuning" / "tune.py").is_file():
        raise InputError(
            f"`changescribe {command}` where only the engine is installed ({ROOT})",
            "the repository, which has the training code and what it needs",
            f"clone it, run `make setup-engine`, and there `.venv/bin/python -m engine {command} …`",
        )
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
