"""A deterministic captioner without weights to speak of, in a registry of its own, for tests of everything around a model.

Run as a program it is the command line with that registry: ``python tests/engine/fakes.py FOLDER worker``; FAKE_DELAY_S slows each tile down,
FAKE_COMMIT_TILES makes for more commits, FAKE_HOLD names a file without which no tile is captioned, FAKE_EXIT_AT is a ``fail_at`` that ends the
process.
"""

import json
import os
import sys
import time
from pathlib import Path

if __name__ == "__main__":  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import save_file

from engine import registry
from engine.models.captioner import Captioner, Encoded, ModelCard
from engine.output import writer

ID = "fake"
EXIT_CODE = 77
WORDS = ("a row of houses is built along the road", "the trees are cut down and a road appears", "a new parking lot appears near the building")
CLASSES = ((("building", "road"), (), ()), (("road",), ("vegetation",), ()), (("parking",), (), ("bareland",)))


class FakeCaptioner(Captioner):
    """Changed where the mean colour differs; the caption is chosen by the mean of the after tile.

    Its heat map of 4 × 4 cells is hot (0.9) in the cell of row 1, column 2 and 0.2 elsewhere.
    The value that ``fail_at`` names as the first pixel of a before tile makes the model call fail, as a bug would.
    """

    has_heatmap = True

    def __init__(self, card=None, delay_s=None, fail_at=None):
        self.card = card or ModelCard(ID, "a fake", threshold=0.1)
        self.device = torch.device("cpu")
        self.delay_s = float(os.environ.get("FAKE_DELAY_S", "0")) if delay_s is None else delay_s
        self.fail_at = fail_at
        self.exit_at, self.hold = (os.environ.get(name) for name in ("FAKE_EXIT_AT", "FAKE_HOLD"))
        self.batches = []

    @classmethod
    def from_checkpoint(cls, path, device="cpu"):
        with safe_open(path, "np") as stream:
            return cls(ModelCard(**json.loads(stream.metadata()["card"])))

    def encode(self, before, after):
        self.batches.append(len(before))
        if self.fail_at is not None and bool((before[:, 0, 0, 0] == self.fail_at).any()):
            raise ValueError("the fake fails at this tile")
        if self.exit_at and bool((before[:, 0, 0, 0] == int(self.exit_at)).any()):
            os._exit(EXIT_CODE)
        while self.hold and not os.path.exists(self.hold):
            time.sleep(0.05)
        time.sleep(self.delay_s * len(before))
        before, after = (tile.numpy().astype(np.float64).mean((1, 2, 3)) for tile in (before, after))
        kinds = after.astype(int) % len(WORDS)
        heat = np.full((len(kinds), 4, 4), 0.2, np.float32)
        heat[:, 1, 2] = 0.9
        return Encoded(np.minimum(1.0, np.abs(after - before) / 64.0).astype(np.float32), [CLASSES[k] for k in kinds], kinds, heat)

    def generate(self, state, index, options, seeds):
        return [(WORDS[state[i]], 0.75) for i in index.tolist()]


def install(folder):
    """Make the registry of this process hold the fake alone, with its weights under ``folder``; return the weights' path."""
    folder = Path(folder)
    weights = folder / "weights" / "fake.safetensors"
    weights.parent.mkdir(parents=True, exist_ok=True)
    if not weights.exists():
        card = ModelCard(ID, "a fake", threshold=0.1)
        save_file({"nothing": np.zeros(256, np.float32)}, weights, metadata={"card": json.dumps(card.to_json()), "config": "{}"})
        row = {"id": ID, "name": "a fake", "class": "fake:FakeCaptioner", "file": weights.name, "licence": "none", "gsd_m": 0.5}
        row |= {"sha256": registry.sha256_of(weights), "bytes": weights.stat().st_size}
        (folder / "models.json").write_text(json.dumps({"models": [row]}))
    writer.BATCH_TILES = int(os.environ.get("FAKE_COMMIT_TILES", writer.BATCH_TILES))
    registry.RESOURCES = folder
    sys.modules["engine.models.fake"] = sys.modules[__name__]
    return weights


def main():
    install(sys.argv[1])
    from engine.cli import main as changescribe

    return changescribe(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
