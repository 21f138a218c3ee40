"""The service in Python: FastAPI, with a pool of processes for the work.

    pip install -r requirements.txt
    uvicorn compute_service:app --port 8000
"""

import asyncio
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request


def sum_of_squares(n):
    return sum(i * i for i in range(n))


@asynccontextmanager
async def lifespan(app):
    with ProcessPoolExecutor() as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/compute/{n}")
async def compute(n: int, request: Request):
    loop = asyncio.get_running_loop()
    pool = request.app.state.pool
    return {"result": await loop.run_in_executor(pool, sum_of_squares, n)}


@app.get("/health")
async def health():
    return {"status": "ok"}
