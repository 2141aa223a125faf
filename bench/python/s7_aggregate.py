import sys

import pandas as pd

source, airports, hours = sys.argv[1:4]
flights = pd.read_csv(source, parse_dates=["date"])
measures = {"flights": ("delay", "size"), "late": ("delayed", "mean"), "predicted": ("probability", "mean")}
by_origin = flights.groupby("origin").agg(**measures).reset_index()
by_origin.sort_values(["flights", "origin"], ascending=[False, True]).head(20).to_csv(airports, index=False)
flights.groupby(flights.date.dt.hour.rename("hour")).agg(**measures).reset_index().to_csv(hours, index=False)
