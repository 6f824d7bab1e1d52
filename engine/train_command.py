"""``changescribe train``: hands over to ``training.tune``, which only the repository has."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from .errors import InputError

# The wheel and the plugin hold the engine alone; in the repository ``training`` lies beside it.
ROOT = Path(__file__).resolve().parent.parent


def add_command(commands: argparse._SubParsersAction) -> None:
    """The command's name for the list of commands; its options are ``training.tune``'s own."""
    commands.add_parser("train", help="tune the bundled model on reviewed tiles (in the repository)", add_help=False)


def run(arguments: Sequence[str]) -> int:
    """Run ``training.tune`` and return its exit code.

    Raises
    ------
    InputError
        Only the engine is installed.
    """
    if not (ROOT / "training" / "tune.py").is_file():
        raise InputError(
            f"`changescribe train` where only the engine is installed ({ROOT})",
            "the repository, which has the training code and what it needs",
            "clone it, run `make setup-engine`, and there `.venv/bin/python -m engine train …`",
        )
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    return import_module("training.tune").main(list(arguments))
