import sys

import pandas as pd

source, target = sys.argv[1:3]
flights = pd.read_csv(source, parse_dates=["date"])
flights = flights.dropna().drop_duplicates(keep="first")
flights = flights[(flights.distance > 0) & flights.delay.between(-180, 1440)]
flights.to_csv(target, index=False)
