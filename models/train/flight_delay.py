"""Trains the flight-delay model: will a flight arrive more than 15 minutes late?

    python flight_delay.py path/to/flights-3m.parquet     trains, judges, exports to ../flight-delay/1
    python flight_delay.py --check                        checks the committed model against its golden rows
    … --joblib model.joblib [--no-export]                 also (or only) saves the scikit-learn model

Trained on the first five months, judged on the sixth. The same data gives the same file.
"""

import argparse
import datetime
import json
import pathlib

import joblib
import numpy as np
import pandas as pd
import skl2onnx
from sklearn import metrics
from sklearn.ensemble import HistGradientBoostingClassifier

from model_folder import check, dump, open_session, packages, reference, sha256, write_onnx

FOLDER = pathlib.Path(__file__).parent.parent / "flight-delay" / "1"
HELD_OUT_FROM = "2001-06-01"
LATE_MINUTES = 15
SMOOTHING = 100
FEATURES = ["hour", "minute_of_day", "weekday", "distance_miles", "origin_rate", "destination_rate", "origin_frequency"]


def clean(flights: pd.DataFrame) -> pd.DataFrame:
    flights = flights.dropna().drop_duplicates(keep="first")
    return flights[(flights.distance > 0) & flights.delay.between(-180, 1440)]


def fit_target(keys: pd.Series, late: pd.Series) -> dict:
    """Smoothed mean of the target for each category; an unseen one gets the prior."""
    prior = float(late.mean())
    groups = late.groupby(keys).agg(["sum", "count"])
    rates = (groups["sum"] + SMOOTHING * prior) / (groups["count"] + SMOOTHING)
    return {"categories": {key: float(rate) for key, rate in rates.sort_index().items()}, "default": prior}


def fit_frequency(keys: pd.Series) -> dict:
    shares = keys.value_counts() / len(keys)
    return {"categories": {key: float(share) for key, share in shares.sort_index().items()}, "default": 0}


def fitted_features(train: pd.DataFrame) -> dict:
    late = (train.delay > LATE_MINUTES).astype("int64")
    expression = lambda name, text, kind: {"name": name, "spec": {"kind": "expression", "expression": text, "type": kind}}
    target = lambda name, column: {
        "name": name,
        "spec": {"kind": "target", "column": column, "target": f"delay > {LATE_MINUTES}", "smoothing": SMOOTHING, "type": "float32"},
        "fitted": fit_target(train[column], late),
    }
    return {
        "schema": "meshwork.features/1",
        "columns": [
            expression("hour", "hour(date)", "float32"),
            expression("minute_of_day", "hour(date) * 60 + minute(date)", "float32"),
            expression("weekday", "dayofweek(date)", "float32"),
            expression("distance_miles", "distance", "float32"),
            target("origin_rate", "origin"),
            target("destination_rate", "destination"),
            {
                "name": "origin_frequency",
                "spec": {"kind": "frequency", "column": "origin", "type": "float32"},
                "fitted": fit_frequency(train["origin"]),
            },
            expression("delayed", f"delay > {LATE_MINUTES}", "boolean"),
        ],
        "fittedOn": {"rows": len(train), "where": f"date < timestamp '{HELD_OUT_FROM}'"},
    }


def transform(flights: pd.DataFrame, fitted: dict) -> np.ndarray:
    encoders = {column["name"]: column["fitted"] for column in fitted["columns"] if "fitted" in column}
    encode = lambda keys, name: keys.map(encoders[name]["categories"]).fillna(encoders[name]["default"])
    date = flights.date.dt
    columns = [
        date.hour,
        date.hour * 60 + date.minute,
        (date.day_of_week + 1) % 7,  # Sunday is 0
        flights.distance,
        encode(flights.origin, "origin_rate"),
        encode(flights.destination, "destination_rate"),
        encode(flights.origin, "origin_frequency"),
    ]
    return np.column_stack([column.to_numpy().astype(np.float32) for column in columns])


def best_threshold(late: np.ndarray, probability: np.ndarray) -> float:
    """The threshold with the best F1 on the training months, to two decimals."""
    candidates = np.round(np.arange(0.1, 0.6, 0.01), 2)

    def f1(threshold: float) -> float:
        called = probability >= threshold
        return 2 * late[called].sum() / (called.sum() + late.sum())

    return float(max(candidates, key=f1))


def judge(late: np.ndarray, probability: np.ndarray, threshold: float) -> dict:
    called = probability >= threshold
    return {
        "rows": len(late),
        "baseRate": float(late.mean()),
        "accuracy": float(metrics.accuracy_score(late, called)),
        "precision": float(metrics.precision_score(late, called)),
        "recall": float(metrics.recall_score(late, called)),
        "f1": float(metrics.f1_score(late, called)),
        "rocAuc": float(metrics.roc_auc_score(late, probability)),
        "prAuc": float(metrics.average_precision_score(late, probability)),
        "logLoss": float(metrics.log_loss(late, probability)),
        "brier": float(metrics.brier_score_loss(late, probability)),
    }


def golden_rows(inputs: np.ndarray, prior: float) -> np.ndarray:
    """Sixty rows spread over the held-out month and four that are odd."""
    spread = inputs[np.linspace(0, len(inputs) - 1, 60).astype(int)]
    odd = inputs[:4].copy()
    odd[0, 3] = 1e6  # no flight is that long
    odd[1, 4:] = [prior, prior, 0]  # airports the training months never saw
    odd[2, :] = -1  # no flight is like that
    odd[3, 0:3] = [23, 1439, 6]
    return np.vstack([spread, odd])


def train(path: pathlib.Path, keep: pathlib.Path | None, export: bool) -> None:
    flights = clean(pd.read_parquet(path))
    early = flights.date < HELD_OUT_FROM
    fitted = fitted_features(flights[early])
    late = (flights.delay > LATE_MINUTES).to_numpy().astype(np.int64)
    inputs, early = transform(flights, fitted), early.to_numpy()

    model = HistGradientBoostingClassifier(max_iter=100, max_leaf_nodes=31, learning_rate=0.1, early_stopping=False, random_state=0)
    model.fit(inputs[early], late[early])
    if keep is not None:
        joblib.dump(model, keep)
    if not export:
        return
    threshold = best_threshold(late[early], model.predict_proba(inputs[early])[:, 1])
    figures = judge(late[~early], model.predict_proba(inputs[~early])[:, 1], threshold)

    FOLDER.mkdir(parents=True, exist_ok=True)
    onnx = skl2onnx.to_onnx(model, inputs[:1], options={"zipmap": False}, target_opset=18, naming="flight_delay")
    write_onnx(FOLDER / "model.onnx", onnx)
    dump(FOLDER / "features.json", fitted)
    rows = golden_rows(inputs[~early], float(late[early].mean()))
    input_name = open_session(FOLDER / "model.onnx").get_inputs()[0].name
    dump(FOLDER / "reference.json", reference(FOLDER / "model.onnx", inputs[early], FEATURES, {"label": ["label"], "probabilities": ["on_time", "delayed"]}))
    dump(FOLDER / "samples.json", {"inputs": {input_name: rows.astype(float).tolist()}, "outputs": {"probabilities": model.predict_proba(rows).tolist()}})
    dump(
        FOLDER / "manifest.json",
        {
            "schema": "meshwork.model/1",
            "name": "flight-delay",
            "version": 1,
            "file": "model.onnx",
            "sha256": sha256(FOLDER / "model.onnx"),
            "bytes": (FOLDER / "model.onnx").stat().st_size,
            "inputs": [{"name": input_name, "type": "float32", "shape": [-1, len(FEATURES)], "columns": FEATURES}],
            "outputs": [
                {"name": "label", "type": "int64", "shape": [-1]},
                {"name": "probabilities", "type": "float32", "shape": [-1, 2], "labels": ["on_time", "delayed"]},
            ],
            "features": "features.json",
            "records": [
                {"name": "date", "type": "timestamp"},
                {"name": "distance", "type": "int64"},
                {"name": "origin", "type": "string"},
                {"name": "destination", "type": "string"},
            ],
            "samples": "samples.json",
            "reference": "reference.json",
            "threshold": threshold,
            "license": "Apache-2.0",
            "trained": {
                "date": datetime.date.today().isoformat(),
                "rows": int(early.sum()),
                "from": flights.date.min().date().isoformat(),
                "before": HELD_OUT_FROM,
                "data": "flights-3m.parquet of vega-datasets 3.2.1",
                "dataSource": "U.S. Bureau of Transportation Statistics, reported under 14 CFR Part 234",
                "dataLicense": "other-open in the package's datapackage.json (terms not explicitly specified); the package is BSD-3-Clause",
                "dataSha256": sha256(path),
                "packages": packages(),
            },
            "metrics": figures,
        },
    )
    print(json.dumps({"threshold": threshold, "heldOut": figures}, indent=2))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("flights", nargs="?", type=pathlib.Path)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--joblib", type=pathlib.Path)
    parser.add_argument("--no-export", action="store_true")
    arguments = parser.parse_args()
    if not arguments.check:
        if arguments.flights is None:
            parser.error("give the path of flights-3m.parquet, or --check")
        train(arguments.flights, arguments.joblib, not arguments.no_export)
    print(f"golden rows agree within {check(FOLDER):.1e}")


if __name__ == "__main__":
    main()
