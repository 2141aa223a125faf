"""Trains the seed model: a linear score over f1, f2, f3 and their sum.

    python seed.py            trains and exports to ../seed/1
    python seed.py --check    checks the committed model against its golden rows

The data is made here: f1, f2, f3 uniform in [0, 1), score = 0.5 f1 - 0.25 f2 + 2 f3 + 0.1 feature_sum + 1, plus noise.
"""

import datetime
import pathlib
import sys

import numpy as np
import skl2onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.linear_model import LinearRegression

from model_folder import check, dump, open_session, packages, reference, sha256, write_onnx

FOLDER = pathlib.Path(__file__).parent.parent / "seed" / "1"
COLUMNS = ["f1", "f2", "f3", "feature_sum"]
ROWS = 1000


def train() -> None:
    random = np.random.default_rng(0)
    features = random.random((ROWS, 3)).astype(np.float32)
    inputs = np.column_stack([features, features.sum(axis=1)]).astype(np.float32)
    score = inputs @ np.array([0.5, -0.25, 2.0, 0.1]) + 1 + random.normal(0, 0.01, ROWS)
    model = LinearRegression().fit(inputs[:800], score[:800])
    error = model.predict(inputs[800:]) - score[800:]

    FOLDER.mkdir(parents=True, exist_ok=True)
    types = {"initial_types": [("input", FloatTensorType([None, 4]))], "final_types": [("score", FloatTensorType([None, 1]))]}
    onnx = skl2onnx.convert_sklearn(model, "seed", target_opset=18, **types)
    write_onnx(FOLDER / "model.onnx", onnx)
    session = open_session(FOLDER / "model.onnx")
    input_name, output_name = session.get_inputs()[0].name, session.get_outputs()[0].name
    rows = inputs[800:816]
    dump(FOLDER / "reference.json", reference(FOLDER / "model.onnx", inputs[:800], COLUMNS, {output_name: ["score"]}))
    dump(FOLDER / "samples.json", {"inputs": {input_name: rows.astype(float).tolist()}, "outputs": {output_name: model.predict(rows).reshape(-1, 1).tolist()}})
    dump(
        FOLDER / "manifest.json",
        {
            "schema": "meshwork.model/1",
            "name": "seed",
            "version": 1,
            "file": "model.onnx",
            "sha256": sha256(FOLDER / "model.onnx"),
            "bytes": (FOLDER / "model.onnx").stat().st_size,
            "inputs": [{"name": input_name, "type": "float32", "shape": [-1, len(COLUMNS)], "columns": COLUMNS}],
            "outputs": [{"name": output_name, "type": "float32", "shape": [-1, 1]}],
            "samples": "samples.json",
            "reference": "reference.json",
            "license": "Apache-2.0",
            "trained": {"date": datetime.date.today().isoformat(), "rows": 800, "data": "made by models/train/seed.py, seed 0", "packages": packages()},
            "metrics": {"rows": 200, "mae": float(np.abs(error).mean()), "rmse": float(np.sqrt((error**2).mean()))},
        },
    )


if __name__ == "__main__":
    if "--check" not in sys.argv:
        train()
    print(f"golden rows agree within {check(FOLDER):.1e}")
