"""The flight pipeline as a chain of scripts, each its own process that reads and writes CSV.

    python chain.py FOLDER INPUT.csv MODEL.joblib FEATURES.json THRESHOLD     prints one JSON line
"""

import csv
import json
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent


def main() -> None:
    folder, source, model, fitted, threshold = sys.argv[1:6]
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    at = lambda name: str(pathlib.Path(folder) / name)
    chain = [
        ("s1_ingest", source, at("1.csv")),
        ("s2_clean", at("1.csv"), at("2.csv")),
        ("s3_features", at("2.csv"), at("3.csv"), fitted),
        ("s4_predict", at("3.csv"), at("4.csv"), model),
        ("s5_postprocess", at("4.csv"), at("5.csv"), threshold),
        ("s6_evaluate", at("5.csv"), at("metrics.json"), threshold),
        ("s7_aggregate", at("5.csv"), at("airports.csv"), at("hours.csv")),
        ("s8_report", at("metrics.json"), at("airports.csv"), at("hours.csv"), at("report.html")),
    ]
    steps, begun = [], time.perf_counter()
    for name, *arguments in chain:
        started = time.perf_counter()
        subprocess.run([sys.executable, HERE / f"{name}.py", *arguments], check=True)
        steps.append({"name": name, "seconds": time.perf_counter() - started})
    seconds = time.perf_counter() - begun

    with open(at("metrics.json")) as file:
        metrics = json.load(file)
    with open(at("airports.csv")) as file:
        top = [{"origin": row["origin"], "flights": int(row["flights"]), "late": float(row["late"]), "predicted": float(row["predicted"])} for row in csv.DictReader(file)]
    with open(at("hours.csv")) as file:
        hours = [(int(row["flights"]), float(row["predicted"])) for row in csv.DictReader(file)]
    totals = {"rows": sum(flights for flights, _ in hours), "probabilitySum": sum(flights * mean for flights, mean in hours)}
    print(json.dumps({"seconds": seconds, "steps": steps, "result": {**totals, "metrics": metrics, "top": top, "hours": len(hours)}}))


if __name__ == "__main__":
    main()
