"""The cost of a message between tasks, threads and processes."""

import asyncio
import multiprocessing
import os
import queue
import threading

from measure import arguments, give, seconds_each


def tasks(seconds):
    async def messages(times):
        ping, pong = asyncio.Queue(), asyncio.Queue()

        async def other():
            while (number := await ping.get()) is not None:
                await pong.put(number)

        answering = asyncio.create_task(other())
        for number in range(times):
            await ping.put(number)
            assert await pong.get() == number
        await ping.put(None)
        await answering

    loop = asyncio.new_event_loop()
    return seconds_each(seconds, lambda times: loop.run_until_complete(messages(times)))


def threads(seconds):
    ping, pong = queue.Queue(), queue.Queue()

    def other():
        while (number := ping.get()) is not None:
            pong.put(number)

    def messages(times):
        for number in range(times):
            ping.put(number)
            assert pong.get() == number

    answering = threading.Thread(target=other)
    answering.start()
    try:
        return seconds_each(seconds, messages)
    finally:
        ping.put(None)
        answering.join()


def answer(end):
    while (number := end.recv()) is not None:
        end.send(number)


def processes(seconds):
    end, other_end = multiprocessing.Pipe()

    def messages(times):
        for number in range(times):
            end.send(number)
            assert end.recv() == number

    answering = multiprocessing.Process(target=answer, args=(other_end,))
    answering.start()
    try:
        return seconds_each(seconds, messages)
    finally:
        end.send(None)
        answering.join()


if __name__ == "__main__":
    way, _, seconds = arguments()
    measure = {"tasks": tasks, "threads": threads, "processes": processes}[way]
    figures = {}
    if hasattr(os, "sched_setaffinity"):
        # Threads and processes that are started inherit it.
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(cores)})
        figures["one core"] = measure(seconds / 2) * 1e6
        os.sched_setaffinity(0, cores)
    figures["all cores"] = measure(seconds / 2) * 1e6
    give(figures)
