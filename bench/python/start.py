"""The cost of starting a task, a thread or a process."""

import asyncio
import multiprocessing
import subprocess
import sys
import threading

from measure import arguments, give, seconds_each


def nothing():
    pass


async def nothing_async():
    pass


def task(times):
    async def tasks():
        for _ in range(times):
            await asyncio.create_task(nothing_async())

    loop.run_until_complete(tasks())


def thread(times):
    for _ in range(times):
        started = threading.Thread(target=nothing)
        started.start()
        started.join()


def process(method):
    context = multiprocessing.get_context(method)

    def processes(times):
        for _ in range(times):
            started = context.Process(target=nothing)
            started.start()
            started.join()
            assert started.exitcode == 0

    return processes


def another_python(times):
    for _ in range(times):
        subprocess.run([sys.executable, "-c", "pass"], check=True)


if __name__ == "__main__":
    way, _, seconds = arguments()
    loop = asyncio.new_event_loop()
    ways = {
        "task": lambda: task,
        "thread": lambda: thread,
        "fork": lambda: process("fork"),
        "spawn": lambda: process("spawn"),
        "subprocess": lambda: another_python,
    }
    give({"time": seconds_each(seconds, ways[way]()) * 1e6})
