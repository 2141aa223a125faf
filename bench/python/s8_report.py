import html
import json
import sys

import pandas as pd

metrics, airports, hours, target = sys.argv[1:5]
with open(metrics) as file:
    figures = json.load(file)
rows = "".join(f"<tr><td>{html.escape(name)}</td><td>{value}</td></tr>" for name, value in figures.items())
with open(target, "w") as file:
    file.write(f"<h1>Flight delays</h1><table>{rows}</table>{pd.read_csv(airports).to_html()}{pd.read_csv(hours).to_html()}")
