import asyncio
from contextvars import Context, ContextVar

request = ContextVar("request")


def log(text):
    id = request.get(None)
    print(f"Request {id}: {text}" if id else f"No request: {text}")


async def in_a_spawned_task():
    log("in a spawned task")


async def handle(id):
    request.set(id)
    log("starts")
    await asyncio.sleep(0.02)
    # A task inherits the context, unless it is given another one.
    task = Context().run(asyncio.create_task, in_a_spawned_task())
    await task
    log("ends")


async def main():
    await asyncio.gather(handle(1), handle(2))
    log("outside")


asyncio.run(main())
