import sys

import joblib
import pandas as pd

FEATURES = ["hour", "minute_of_day", "weekday", "distance_miles", "origin_rate", "destination_rate", "origin_frequency"]

source, target, model = sys.argv[1:4]
flights = pd.read_csv(source, parse_dates=["date"])
model = joblib.load(model)
flights["probability"] = model.predict_proba(flights[FEATURES].to_numpy(dtype="float32"))[:, 1]
flights.to_csv(target, index=False)
