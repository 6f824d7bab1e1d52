"""Values of the command line's options that argparse has no type for."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any


def integers(count: int) -> Callable[[str], tuple[int, ...]]:
    return _numbers(count, int, "whole numbers")


def reals(count: int) -> Callable[[str], tuple[float, ...]]:
    return _numbers(count, float, "numbers")


def _numbers(count: int, kind: Callable[[str], Any], name: str) -> Callable[[str], tuple]:
    def read(text: str) -> tuple:
        try:
            values = tuple(kind(part) for part in text.split(","))
        except ValueError:
            values = ()
        if len(values) != count:
            raise argparse.ArgumentTypeError(f"{text!r} is not {count} {name} with commas between them")
        return values

    return read


def resolution(text: str) -> str | float:
    if text in ("native", "model"):
        return text
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not native, model or metres per pixel") from None
