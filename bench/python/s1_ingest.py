import sys

import pandas as pd

source, target = sys.argv[1:3]
flights = pd.read_csv(source, parse_dates=["date"])
flights.to_csv(target, index=False)
