"""A Meshwork stage in Python, written from docs/stage-protocol.md alone: `weekend` adds a boolean column that is
true on Saturdays and Sundays. Start it with

    MESHWORK_STORE_URL=file:///path/to/store uvicorn stage:app --port 4100
"""

import asyncio
import hashlib
import io
import json
import logging
import os
import pathlib
import time
import uuid
from typing import Annotated, Literal
from urllib.parse import unquote, urlparse

import prometheus_client
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from fastapi import FastAPI, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

NAME, VERSION = "weekend", "1.0.0"
SHA256 = "^[0-9a-f]{64}$"
TEMPORAL = {"date", "timestamp", "timestamptz"}

logging.basicConfig(level=logging.INFO, format="%(message)s")
log = logging.getLogger(NAME)
runs = prometheus_client.Counter("meshwork_stage_runs", "Calls of the stage.", ["stage", "result"])


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


ColumnType = Literal["boolean", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64",
                     "string", "date", "time", "timestamp", "timestamptz", "binary"]


class Column(Closed):
    name: str = Field(min_length=1, max_length=128, pattern="^[^\\u0000-\\u001f\\u007f]+$")
    type: ColumnType


class DatasetRef(Closed):
    kind: Literal["dataset"]
    hash: str = Field(pattern=SHA256)
    rows: int = Field(ge=0)
    bytes: int = Field(ge=0)
    parts: int = Field(ge=0)
    columns: list[Column] = Field(min_length=1, max_length=1024)


class Input(Closed):
    dataset: DatasetRef
    column: str = Field(description="Column of type date or timestamp.", max_length=128)
    name: str = Field(default="weekend", alias="as", description="Name of the new column.", min_length=1, max_length=128)


class Output(Closed):
    dataset: DatasetRef
    rows: int = Field(ge=0, description="Rows of the dataset.")


class ProblemError(Exception):
    def __init__(self, status: int, code: str, title: str, detail: str, retryable: bool = False):
        super().__init__(detail)
        self.status = status
        self.body = {"type": f"/errors#{code}", "title": title, "status": status, "detail": detail, "code": code, "retryable": retryable}


class Store:
    """The artefact store in a folder: files under their SHA-256."""

    def __init__(self, url: str):
        self.root = pathlib.Path(unquote(urlparse(url).path))

    def read(self, sha256: str) -> bytes:
        try:
            content = (self.root / "artefacts" / sha256[:2] / sha256).read_bytes()
        except FileNotFoundError:
            raise ProblemError(404, "MESHWORK_ARTEFACT_MISSING", "Artefact not in the store", f"Artefact {sha256} is not in the store.")
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ProblemError(500, "MESHWORK_ARTEFACT_CORRUPT", "Artefact damaged", f"Artefact {sha256} does not have its hash.")
        return content

    def put(self, content: bytes) -> str:
        sha256 = hashlib.sha256(content).hexdigest()
        place = self.root / "artefacts" / sha256[:2] / sha256
        draft = self.root / "tmp" / str(uuid.uuid4())
        draft.parent.mkdir(parents=True, exist_ok=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        with open(draft, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, place)
        return sha256


def canonical(value) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def add_weekend(store: Store, request: Input, still_wanted) -> Output:
    manifest = json.loads(store.read(request.dataset.hash))
    names = [column["name"] for column in manifest["columns"]]
    kind = next((column["type"] for column in manifest["columns"] if column["name"] == request.column), None)
    if kind is None:
        raise ProblemError(422, "MESHWORK_COLUMN_MISSING", "Column not in the dataset",
                           f'Column "{request.column}" is not in the dataset; its columns are: {", ".join(names)}.')
    if kind not in TEMPORAL:
        raise ProblemError(422, "MESHWORK_COLUMN_TYPE", "Column has the wrong type",
                           f'Column "{request.column}" is {kind}; it must be a date or a timestamp.')
    if request.name.lower() in (name.lower() for name in names):
        raise ProblemError(422, "MESHWORK_COLUMN_EXISTS", "Column exists already", f'The dataset has a column "{request.name}" already.')

    added = {"name": request.name, "type": "boolean"}
    for part in manifest["parts"]:
        still_wanted()
        group = next(group for group in part["groups"] if any(column["name"] == request.column for column in group["columns"]))
        dates = pq.read_table(io.BytesIO(store.read(group["hash"])), columns=[request.column])[request.column]
        weekend = pc.greater_equal(pc.day_of_week(dates), 5)  # Monday is 0
        buffer = io.BytesIO()
        pq.write_table(pa.table({request.name: weekend}), buffer, compression="zstd")
        content = buffer.getvalue()
        part["groups"].append({"hash": store.put(content), "bytes": len(content), "columns": [added]})
    manifest["columns"].append(added)

    size = sum(group["bytes"] for part in manifest["parts"] for group in part["groups"])
    dataset = DatasetRef(kind="dataset", hash=store.put(canonical(manifest)), rows=manifest["rows"], bytes=size,
                         parts=len(manifest["parts"]), columns=[Column(**column) for column in manifest["columns"]])
    return Output(dataset=dataset, rows=manifest["rows"])


app = FastAPI(title=NAME, version=VERSION)
store = Store(os.environ["MESHWORK_STORE_URL"])


@app.post(f"/v1/{NAME}")
async def execute(
    request: Request,
    body: Input,
    response: Response,
    timeout_ms: Annotated[int | None, Header(alias="Meshwork-Timeout", ge=1)] = None,
    run: Annotated[str | None, Header(alias="Meshwork-Run")] = None,
    step: Annotated[str | None, Header(alias="Meshwork-Step")] = None,
    attempt: Annotated[str | None, Header(alias="Meshwork-Attempt")] = None,
) -> Output:
    deadline = time.monotonic() + (timeout_ms or 600_000) / 1000
    gone = asyncio.Event()

    async def watch_caller():
        while not await request.is_disconnected():
            await asyncio.sleep(0.2)
        gone.set()

    def still_wanted():
        if time.monotonic() > deadline:
            raise ProblemError(504, "MESHWORK_STAGE_DEADLINE", "The time is spent", f"Not done within {timeout_ms} ms.", True)
        if gone.is_set():
            raise ProblemError(499, "MESHWORK_STAGE_CANCELLED", "The caller went away", "Nobody waits for this work.", True)

    watcher = asyncio.create_task(watch_caller())
    line = {"module": NAME, "version": VERSION, "runId": run, "step": step, "attempt": attempt, "inputHash": body.dataset.hash}
    try:
        output = await asyncio.to_thread(add_weekend, store, body, still_wanted)
    except ProblemError as problem:
        runs.labels(NAME, "failed").inc()
        log.info(json.dumps({**line, "msg": "failed", "code": problem.body["code"]}))
        raise
    finally:
        watcher.cancel()
    runs.labels(NAME, "succeeded").inc()
    log.info(json.dumps({**line, "msg": "done", "outputHash": output.dataset.hash}))
    response.headers["Meshwork-Stage-Version"] = VERSION
    return output


@app.get("/v1/stage")
def stage() -> dict:
    contract = {"major": 1, "path": f"/v1/{NAME}", "input": Input.model_json_schema(by_alias=True), "output": Output.model_json_schema()}
    return {"name": NAME, "version": VERSION, "summary": "Adds a column that is true on Saturdays and Sundays.", "contracts": [contract],
            "columns": {"requires": [], "produces": []}, "capabilities": {"plan": False, "progress": False, "idempotency": False}}


@app.get("/healthz")
@app.get("/readyz")
def health() -> dict:
    return {"status": "ok", "service": NAME, "version": VERSION}


@app.get("/metrics")
def metrics() -> Response:
    return Response(prometheus_client.generate_latest(), media_type=prometheus_client.CONTENT_TYPE_LATEST)


def problem(status: int, body: dict) -> JSONResponse:
    return JSONResponse(body, status_code=status, media_type="application/problem+json")


@app.exception_handler(ProblemError)
def on_problem(_: Request, error: ProblemError) -> JSONResponse:
    return problem(error.status, error.body)


@app.exception_handler(RequestValidationError)
def on_invalid(_: Request, error: RequestValidationError) -> JSONResponse:
    faults = [{"pointer": "/" + "/".join(map(str, fault["loc"][1:])), "detail": fault["msg"]} for fault in error.errors()]
    return problem(400, {"type": "/errors#MESHWORK_REQUEST_INVALID", "title": "The request does not fit its contract", "status": 400,
                         "detail": "; ".join(f'{fault["pointer"]}: {fault["detail"]}' for fault in faults), "code": "MESHWORK_REQUEST_INVALID",
                         "retryable": False, "errors": faults})


@app.exception_handler(HTTPException)
def on_http(_: Request, error: HTTPException) -> JSONResponse:
    return problem(error.status_code, {"type": "about:blank", "title": str(error.detail), "status": error.status_code, "detail": str(error.detail),
                                       "code": "MESHWORK_ROUTE_UNKNOWN" if error.status_code == 404 else "MESHWORK_REQUEST_INVALID", "retryable": False})
