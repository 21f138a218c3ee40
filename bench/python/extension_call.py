"""The cost of calling a Rust function from Python, or of awaiting one."""

import asyncio
import atexit

import asyncio_and_tokio as rust
from measure import arguments, give, seconds_each


def nothing():
    pass


def calls(function):
    def run(times):
        for _ in range(times):
            function()

    return run


def awaits(start):
    async def await_all(times):
        for _ in range(times):
            await start()

    return lambda times: loop.run_until_complete(await_all(times))


if __name__ == "__main__":
    way, _, seconds = arguments()
    atexit.register(rust.wait_for_results)
    loop = asyncio.new_event_loop()
    ways = {
        "python": calls(nothing),
        "rust": calls(rust.nothing),
        "thread": awaits(lambda: asyncio.to_thread(rust.nothing)),
        "await": awaits(rust.ready),
    }
    give({"time": seconds_each(seconds, ways[way]) * 1e6})
    loop.run_until_complete(loop.shutdown_default_executor())
