"""Turn a trained reader (``reader.pt``) into the files that ship: ONNX with int8 weights, tokenizer, hashes.

Run as a program: ``python -m eval.export --weights OUT/reader.pt --to data/models/reader [--float]``
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from pathlib import Path

import torch

from assistant.embed import minilm_path
from eval.train import Reader


def export(weights: Path, to: Path, quantized: bool, threshold: float) -> None:
    """Write ``reader.onnx``, ``tokenizer.json`` and ``reader.json`` into the folder `to`."""
    from transformers import AutoModel

    encoder = AutoModel.from_pretrained(minilm_path(), attn_implementation="eager", add_pooling_layer=False)
    model = Reader(encoder, encoder.config.hidden_size)
    state = torch.load(weights, weights_only=True)
    missing = model.load_state_dict(state, strict=False).missing_keys
    if missing:
        raise SystemExit(f"{weights} lacks {', '.join(missing)}: train it with `eval.train`")
    model.eval()
    to.mkdir(parents=True, exist_ok=True)
    target = to / "reader.onnx"
    plain = to / "reader.float.onnx"
    example = (
        torch.ones(2, 16, dtype=torch.long),
        torch.ones(2, 16, dtype=torch.long),
        torch.zeros(2, 16, dtype=torch.long),
    )
    rows, grid = {0: "batch"}, {0: "batch", 1: "tokens"}
    inputs, outputs = ["ids", "mask", "types"], ["start", "end", "answerable", "verdict", "inside", "right"]
    axes = [(n, rows if n in ("answerable", "verdict", "right") else grid) for n in (*inputs, *outputs)]
    torch.onnx.export(
        model, example, str(plain), input_names=inputs, output_names=outputs, opset_version=17, dynamo=False,
        dynamic_axes=dict(axes),
    )  # fmt: skip
    if quantized:
        from onnxruntime.quantization import QuantType, quantize_dynamic

        # Seven bits: processors without VNNI add up pairs of eight-bit products in sixteen bits, which overflow.
        quantize_dynamic(plain, target, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True)
        plain.unlink()
    else:
        plain.replace(target)
    shutil.copyfile(minilm_path() / "tokenizer.json", to / "tokenizer.json")
    hashes = {n: hashlib.sha256((to / n).read_bytes()).hexdigest() for n in ("reader.onnx", "tokenizer.json")}
    (to / "reader.json").write_text(
        json.dumps({"sha256": hashes, "squad_threshold": threshold}, indent=2) + "\n", encoding="utf-8"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--float", action="store_true", help="keep 32-bit weights")
    parser.add_argument("--threshold", type=float, default=0.0, help="the frozen threshold on SQuAD")
    args = parser.parse_args()
    export(args.weights, args.to, not args.float, args.threshold)


if __name__ == "__main__":
    main()
