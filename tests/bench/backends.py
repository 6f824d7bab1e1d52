"""The encoder of scribe-s under other inference engines, on one thread: is one of them 1.5 times as fast?

    python -m tests.bench.backends export FOLDER      needs the package onnx: writes the encoder as ONNX, and real tiles to calibrate with
    python -m tests.bench.backends time FOLDER        needs openvino, onnxruntime and onnx; no PyTorch, so that no second OpenMP disturbs
    python -m tests.bench.backends own FOLDER         ours, fused and not

Milliseconds of processor a pair, medians. int8: weights a channel, activations a tensor, calibrated on the tiles (onnxruntime's static quantisation).
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

PAIRS, ROUNDS = 4, 9


def cpu_ms(run: Callable[[], object]) -> float:
    run()
    run()
    found = []
    for _ in range(ROUNDS):
        start_s = time.process_time()
        run()
        found.append(time.process_time() - start_s)
    return round(1000 * statistics.median(found) / PAIRS, 2)


def export(folder: Path) -> None:
    import torch

    from engine import registry
    from engine.contract.request import DEFAULT_MODEL, CaptionRequest
    from engine.demo import write_sample
    from engine.models.scribe import read_checkpoint
    from engine.run import pipeline

    before, after = write_sample(folder)
    request = CaptionRequest(str(before), str(after))
    with pipeline.opened(request, registry.card(DEFAULT_MODEL)) as (pair, grid):
        tiles = np.stack([pixels for ref in grid for pixels in pair.read(ref)[:2]]).astype(np.float32)
    np.save(folder / "tiles.npy", tiles)
    net = read_checkpoint(str(registry.verify(DEFAULT_MODEL)))[0].eval()
    # The exporter that needs no further package.
    torch.onnx.export(net.encoder, (torch.from_numpy(tiles[: 2 * PAIRS]),), str(folder / "encoder.onnx"), dynamo=False, input_names=["images"])


def time_others(folder: Path) -> dict[str, float]:
    import onnxruntime
    import openvino
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    tiles = np.load(folder / "tiles.npy")
    images = tiles[: 2 * PAIRS]

    class Tiles(CalibrationDataReader):
        def __init__(self) -> None:
            self.batches = iter([{"images": tiles[i : i + 2 * PAIRS]} for i in range(0, len(tiles), 2 * PAIRS)])

        def get_next(self) -> dict | None:
            return next(self.batches, None)

    whole, packed = str(folder / "encoder.onnx"), str(folder / "encoder_int8.onnx")
    # Unsigned activations, which processors without AMX multiply fastest.
    kinds = {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QInt8}
    quantize_static(whole, packed, Tiles(), quant_format=QuantFormat.QDQ, per_channel=True, **kinds)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    sessions = {
        name: onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]) for name, path in (("fp32", whole), ("int8", packed))
    }
    found = {f"onnxruntime {name}": cpu_ms(lambda session=session: session.run(None, {"images": images})) for name, session in sessions.items()}
    core = openvino.Core()
    for name, path, precision in (("fp32", whole, "f32"), ("bf16", whole, "bf16"), ("int8", packed, "f32")):
        settings = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": precision}
        request = core.compile_model(core.read_model(path), "CPU", settings).create_infer_request()
        found[f"openvino {name}"] = cpu_ms(lambda request=request: request.infer({0: images}))
    exact, rounded = (session.run(None, {"images": images}) for session in sessions.values())
    found["relative error of the int8 features"] = round(max(float(np.linalg.norm(a - b) / np.linalg.norm(a)) for a, b in zip(exact, rounded)), 3)
    return found


def time_own(folder: Path) -> dict[str, float]:
    import torch

    from engine import registry

    torch.set_num_threads(1)
    model = registry.load("scribe-s")
    images = torch.from_numpy(np.load(folder / "tiles.npy")[: 2 * PAIRS].astype(np.uint8))
    with torch.inference_mode():
        return {name: cpu_ms(lambda net=net: net(images)) for name, net in (("fused", model.encoder), ("not fused", model.net.encoder))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("export", "time", "own"))
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    if args.what == "export":
        export(args.folder)
        return
    found = time_own(args.folder) if args.what == "own" else time_others(args.folder)
    print("\n".join(f"{name}: {value}" for name, value in found.items()))


if __name__ == "__main__":
    main()
