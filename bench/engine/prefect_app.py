"""The same six steps on Prefect: a flow of six tasks, each of which keeps its result before the next begins. The flow runs in
this process, as a call of the function; PREFECT_API_URL leads to the server. Started with: address of the stages."""

import asyncio
import json
import sys

import httpx
import uvicorn
from prefect import flow, task
from prefect.context import FlowRunContext

stages = sys.argv[1]
client = httpx.AsyncClient(limits=httpx.Limits(max_connections=256))


@task(persist_result=True, log_prints=False)
async def step(value: int, place: int) -> int:
    run = FlowRunContext.get().flow_run.id
    answer = await client.post(f"{stages}/v1/nothing", json={"value": value}, headers={"idempotency-key": f"{run}/s{place}"})
    answer.raise_for_status()
    return answer.json()["value"]


@flow(name="six", persist_result=True, log_prints=False)
async def six() -> int:
    value = 0
    for place in range(6):
        value = await step.with_options(name=f"s{place}")(value, place)
    return value


async def app(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    try:
        status, body = 200, {"value": await six()}
    except Exception as error:
        status, body = 500, {"error": repr(error)}
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})


async def main():
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    print(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", flush=True)
    await serving


asyncio.run(main())
