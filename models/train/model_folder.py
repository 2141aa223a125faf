"""What the training scripts share: files that are equal for equal models, and the check of a version against its golden rows."""

import hashlib
import importlib.metadata
import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime

TOLERANCE = 1e-5
BINS = 10
VALUES_MAX = 12


def sha256(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def packages() -> dict[str, str]:
    names = ["numpy", "onnx", "onnxruntime", "pandas", "scikit-learn", "skl2onnx"]
    return {"python": sys.version.split()[0], **{name: importlib.metadata.version(name) for name in names}}


def dump(path: pathlib.Path, value) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_onnx(path: pathlib.Path, model: onnx.ModelProto) -> None:
    """skl2onnx leaves the operator sets in the order of a Python set, which is another one in each process."""
    sets = sorted(model.opset_import, key=lambda entry: entry.domain, reverse=True)
    del model.opset_import[:]
    model.opset_import.extend(sets)
    path.write_bytes(model.SerializeToString(deterministic=True))


def reference_feature(side: str, tensor: str, place: int, name: str, values: np.ndarray) -> dict:
    """How the values of one column lie: each value by itself where there are few, otherwise ten bins that hold equally many."""
    values = np.asarray(values, dtype=np.float64)
    known = values[~np.isnan(values)]
    distinct = np.unique(known)
    feature = {"side": side, "tensor": tensor, "place": place, "name": name}
    if len(distinct) <= VALUES_MAX:
        counts = [int((known == value).sum()) for value in distinct]
        return {**feature, "values": distinct.tolist(), "counts": counts, "missing": int(len(values) - len(known))}
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]))
    # Bin i holds the values above edge i - 1, up to and with edge i.
    counts = np.bincount(np.searchsorted(edges, known, side="left"), minlength=len(edges) + 1)
    return {**feature, "edges": edges.tolist(), "counts": counts.tolist(), "missing": int(len(values) - len(known))}


def reference(model: pathlib.Path, inputs: np.ndarray, columns: list[str], outputs: dict[str, list[str]]) -> dict:
    """What a model sees in training: its inputs, and what it answers for them. `outputs` names the places of each output."""
    session = open_session(model)
    tensor = session.get_inputs()[0].name
    features = [reference_feature("input", tensor, i, name, inputs[:, i]) for i, name in enumerate(columns)]
    answers = session.run(list(outputs), {tensor: inputs})
    for (output, names), answer in zip(outputs.items(), answers, strict=True):
        for place, name in enumerate(names):
            features.append(reference_feature("output", output, place, name, answer.reshape(len(inputs), -1)[:, place]))
    return {"schema": "meshwork.reference/1", "rows": len(inputs), "features": features}


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
    differences = []
    for answer, (name, expected) in zip(answers, samples["outputs"].items(), strict=True):
        if answer.shape != np.shape(expected):
            raise SystemExit(f"{model} answers {name} of shape {answer.shape}, scikit-learn {np.shape(expected)}")
        differences.append(np.abs(answer - np.array(expected)).max())
    worst = float(np.max(differences))
    if not worst <= TOLERANCE:  # also when it is not a number
        raise SystemExit(f"{model} differs from scikit-learn by {worst}, more than {TOLERANCE}")
    return worst
