"""tritonclient, sync and asyncio, against a server: python check_triton.py HOST:PORT. Fails on the first difference.

Models: sum (x FP32 [-1, 2] -> y FP32 [-1, 1], label "total"), half (FP16), kinds (one input and output of each type).
"""

import asyncio
import sys

import numpy as np
import tritonclient.http as sync
import tritonclient.http.aio as aio
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

address = sys.argv[1]
rows = np.array([[1, 2], [3, 4]], dtype=np.float32)
kinds = {
    "float32": np.array([[0.1]], np.float32),
    "float64": np.array([[0.1]], np.float64),
    "int8": np.array([[-128]], np.int8),
    "int16": np.array([[-(2**15)]], np.int16),
    "int32": np.array([2**31 - 1], np.int32),
    "int64": np.array([[2**63 - 1]], np.int64),
    "uint8": np.array([[255]], np.uint8),
    "uint16": np.array([[2**16 - 1]], np.uint16),
    "uint32": np.array([[2**32 - 1]], np.uint32),
    "uint64": np.array([[2**64 - 1]], np.uint64),
    "bool": np.array([[True]], bool),
    "string": np.array([["grün"]], dtype=object),
}


def tensor(client, name, values, binary=True):
    sent = client.InferInput(name, list(values.shape), np_to_triton_dtype(values.dtype))
    sent.set_data_from_numpy(values, binary_data=binary)
    return sent


def same(result, name, expected):
    got = result.as_numpy(name)
    if expected.dtype == object:  # strings come back as bytes
        got = np.array([one.decode() if isinstance(one, bytes) else one for one in got.ravel()], dtype=object).reshape(got.shape)
    assert got.dtype == expected.dtype and np.array_equal(got, expected), (name, got, expected)


def refused(error, *words):
    assert all(word in str(error) for word in words), error


def check_sync():
    client = sync.InferenceServerClient(address, concurrency=4)
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready("sum") and client.is_model_ready("sum", "1")
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    assert client.get_model_metadata("sum")["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 2]}]
    assert client.get_model_config("sum")["input"][0]["data_type"] == "TYPE_FP32"
    totals = np.array([[3], [7]], np.float32)
    for binary_in in (True, False):
        for binary_out in (True, False):
            asked = [sync.InferRequestedOutput("y", binary_data=binary_out)]
            same(client.infer("sum", [tensor(sync, "x", rows, binary_in)], outputs=asked), "y", totals)
    result = client.infer("sum", [tensor(sync, "x", rows)], model_version="1", request_id="r", timeout=5_000_000, priority=1)
    same(result, "y", totals)
    assert result.get_response()["id"] == "r"
    for algorithm in ("gzip", "deflate"):
        many = np.tile(rows, (500, 1))
        result = client.infer(
            "sum",
            [tensor(sync, "x", many)],
            request_compression_algorithm=algorithm,
            response_compression_algorithm=algorithm,
        )
        same(result, "y", many.sum(axis=1, keepdims=True))
    classes = client.infer("sum", [tensor(sync, "x", rows)], outputs=[sync.InferRequestedOutput("y", class_count=1)])
    same(classes, "y", np.array([["3.000000:0:total"], ["7.000000:0:total"]], dtype=object))
    waiting = [client.async_infer("sum", [tensor(sync, "x", rows + n)]) for n in range(8)]
    for n, one in enumerate(waiting):
        same(one.get_result(), "y", totals + 2 * n)

    for binary in (True, False):
        inputs = [tensor(sync, f"in_{kind}", values, binary) for kind, values in kinds.items()]
        outputs = [sync.InferRequestedOutput(f"out_{kind}", binary_data=binary) for kind in kinds]
        result = client.infer("kinds", inputs, outputs=outputs)
        for kind, values in kinds.items():
            same(result, f"out_{kind}", values)
    halves = np.array([[1.5], [np.inf]], np.float16)
    same(client.infer("half", [tensor(sync, "x", halves)]), "y", halves)
    empty = np.zeros((0, 2), np.float32)
    same(client.infer("sum", [tensor(sync, "x", empty)]), "y", np.zeros((0, 1), np.float32))

    for what, words in (
        (lambda: client.infer("none", [tensor(sync, "x", rows)]), ("unknown model", "none")),
        (lambda: client.infer("sum", [tensor(sync, "x", rows[:, :1])]), ("unexpected shape", "'x'")),
        (lambda: client.infer("sum", [tensor(sync, "x", rows.astype(np.int32))]), ("data-type", "INT32")),
        (lambda: client.load_model("none"), ("failed to load", "none")),
    ):
        try:
            what()
        except InferenceServerException as error:
            refused(error, *words)
        else:
            raise AssertionError(words)

    index = client.get_model_repository_index()
    assert {"name": "sum", "version": "1", "state": "READY", "reason": ""} in index, index
    client.unload_model("half")
    assert not client.is_model_ready("half")
    client.load_model("half")
    assert client.is_model_ready("half")
    statistics = client.get_inference_statistics("sum")["model_stats"][0]
    assert statistics["inference_count"] > 1000 and statistics["execution_count"] > 0, statistics
    client.close()


async def check_aio():
    async with aio.InferenceServerClient(address) as client:
        assert await client.is_server_live() and await client.is_server_ready() and await client.is_model_ready("sum")
        assert (await client.get_server_metadata())["name"] == "meshwork"
        assert (await client.get_model_metadata("sum"))["platform"] == "onnxruntime_onnx"
        assert (await client.get_model_config("sum"))["name"] == "sum"
        assert any(one["name"] == "sum" for one in await client.get_model_repository_index())
        assert (await client.get_inference_statistics())["model_stats"]
        results = await asyncio.gather(*[client.infer("sum", [tensor(aio, "x", rows + n)]) for n in range(20)])
        for n, result in enumerate(results):
            same(result, "y", np.array([[3], [7]], np.float32) + 2 * n)
        many = np.tile(rows, (500, 1))
        for algorithm in (None, "gzip", "deflate"):
            result = await client.infer(
                "sum",
                [tensor(aio, "x", many)],
                request_compression_algorithm=algorithm,
                response_compression_algorithm=algorithm,
            )
            same(result, "y", many.sum(axis=1, keepdims=True))
        await client.unload_model("half")
        await client.load_model("half")
        try:
            await client.infer("sum", [tensor(aio, "x", rows[:, :1])])
        except InferenceServerException as error:
            refused(error, "unexpected shape")
        else:
            raise AssertionError("a wrong shape was taken")


check_sync()
asyncio.run(check_aio())
