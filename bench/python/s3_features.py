import json
import sys

import pandas as pd

source, target, fitted = sys.argv[1:4]
flights = pd.read_csv(source, parse_dates=["date"])
with open(fitted) as file:
    encoders = {column["name"]: column["fitted"] for column in json.load(file)["columns"] if "fitted" in column}


def encode(keys, name):
    return keys.map(encoders[name]["categories"]).fillna(encoders[name]["default"])


flights["hour"] = flights.date.dt.hour
flights["minute_of_day"] = flights.date.dt.hour * 60 + flights.date.dt.minute
flights["weekday"] = (flights.date.dt.day_of_week + 1) % 7
flights["distance_miles"] = flights.distance
flights["origin_rate"] = encode(flights.origin, "origin_rate")
flights["destination_rate"] = encode(flights.destination, "destination_rate")
flights["origin_frequency"] = encode(flights.origin, "origin_frequency")
flights["delayed"] = flights.delay > 15
flights.to_csv(target, index=False)
