import sys

import numpy as np
import pandas as pd

source, target, threshold = sys.argv[1:4]
flights = pd.read_csv(source, parse_dates=["date"])
flights["risk"] = np.where(flights.probability >= float(threshold), "at-risk", "on-time")
flights.to_csv(target, index=False)
