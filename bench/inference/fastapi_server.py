"""The usual server: FastAPI validates rows, onnxruntime runs them. python fastapi_server.py MODEL PORT"""

import sys

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
app = FastAPI()


class Rows(BaseModel):
    rows: list[list[float]]


@app.get("/healthz")
def health():
    return {"status": "ok"}


@app.post("/predict")
def predict(body: Rows):
    label, probabilities = session.run(None, {session.get_inputs()[0].name: np.array(body.rows, dtype=np.float32)})
    return {"label": label.tolist(), "probabilities": probabilities.tolist()}


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", access_log=False)
