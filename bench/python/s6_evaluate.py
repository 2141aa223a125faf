import json
import sys

import pandas as pd
from sklearn import metrics

source, target, threshold = sys.argv[1:4]
flights = pd.read_csv(source, parse_dates=["date"])
judged = flights[flights.date >= "2001-06-01"]
late, probability = judged.delayed, judged.probability
called = probability >= float(threshold)
figures = {
    "rows": len(judged),
    "accuracy": metrics.accuracy_score(late, called),
    "precision": metrics.precision_score(late, called),
    "recall": metrics.recall_score(late, called),
    "f1": metrics.f1_score(late, called),
    "rocAuc": metrics.roc_auc_score(late, probability),
    "prAuc": metrics.average_precision_score(late, probability),
    "logLoss": metrics.log_loss(late, probability),
    "brier": metrics.brier_score_loss(late, probability),
}
with open(target, "w") as file:
    json.dump(figures, file)
