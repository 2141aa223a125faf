"""The usual server: FastAPI validates rows, the model runs in this process. python fastapi_server.py MODEL PORT

A model that ends in .onnx is run by onnxruntime, with one thread; anything else is a scikit-learn model of joblib."""

import sys

import numpy as np
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Rows(BaseModel):
    rows: list[list[float]]


def onnx_model(path: str):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda rows: session.run(None, {name: rows})[-1]


def joblib_model(path: str):
    import joblib

    return joblib.load(path).predict_proba


model = (onnx_model if sys.argv[1].endswith(".onnx") else joblib_model)(sys.argv[1])


@app.get("/healthz")
def health():
    return {"status": "ok"}


@app.post("/predict")
def predict(body: Rows):
    return {"predictions": model(np.array(body.rows, dtype=np.float32)).tolist()}


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", access_log=False)
