"""Writes and checks a version of a model: model.onnx, samples.json, and last of all manifest.json."""

import hashlib
import importlib.metadata
import json
import pathlib
import sys

import numpy as np
import onnxruntime

TOLERANCE = 1e-5


def sha256(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def packages() -> dict[str, str]:
    names = ["numpy", "onnx", "onnxruntime", "pandas", "scikit-learn", "skl2onnx"]
    return {"python": sys.version.split()[0], **{name: importlib.metadata.version(name) for name in names}}


def dump(path: pathlib.Path, value) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def open_session(path: pathlib.Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def check(folder: pathlib.Path) -> float:
    """Largest difference between what ONNX answers for the golden rows and what scikit-learn answered. Raises if too large."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    model = folder / manifest["file"]
    if sha256(model) != manifest["sha256"] or model.stat().st_size != manifest["bytes"]:
        raise SystemExit(f"{model} is not the file of its manifest")
    samples = json.loads((folder / manifest["samples"]).read_text(encoding="utf-8"))
    inputs = {name: np.array(rows, dtype=np.float32) for name, rows in samples["inputs"].items()}
    answers = open_session(model).run(list(samples["outputs"]), inputs)
    worst = max(float(np.abs(answer - np.array(expected)).max()) for answer, expected in zip(answers, samples["outputs"].values()))
    if worst > TOLERANCE:
        raise SystemExit(f"{model} differs from scikit-learn by {worst}, more than {TOLERANCE}")
    return worst
