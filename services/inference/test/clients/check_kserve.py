"""The REST client of KServe against a server: python check_kserve.py HOST:PORT. Fails on the first difference."""

import asyncio
import sys

import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput

url = f"http://{sys.argv[1]}"
rows = np.array([[1, 2], [3, 4]], dtype=np.float32)
totals = np.array([[3], [7]], np.float32)


async def check():
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    assert await client.is_server_live(url) is True
    assert await client.is_server_ready(url) is True
    assert await client.is_model_ready(url, "sum") is True
    for binary in (True, False):
        sent = InferInput(name="x", shape=list(rows.shape), datatype="FP32")
        sent.set_data_from_numpy(rows, binary_data=binary)
        asked = [RequestedOutput("y", {"binary_data": binary})]
        answer = await client.infer(
            url, InferRequest(model_name="sum", infer_inputs=[sent], request_outputs=asked), model_name="sum"
        )
        got = answer.get_output_by_name("y").as_numpy()
        assert got.dtype == totals.dtype and np.array_equal(got, totals), (binary, got)
    await client.close()


asyncio.run(check())
