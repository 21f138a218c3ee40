"""The lateness of everything else while jobs compute."""

import asyncio
import os
import statistics
import time
from concurrent.futures import ProcessPoolExecutor

from measure import arguments, give
from work import cores, steps_in, walk

JOB = 0.1
BEAT = 0.01
LEAST = 0.5


async def inline(start, steps):
    walk(start, steps)


async def thread(start, steps):
    await asyncio.to_thread(walk, start, steps)


async def process(start, steps):
    await asyncio.get_running_loop().run_in_executor(executor, walk, start, steps)


async def main(job, seconds):
    steps = steps_in(JOB)
    await asyncio.gather(*(job(start, steps) for start in range(cores())))  # starts all workers
    running = True
    started = time.perf_counter()

    async def heart():
        nonlocal running
        lateness = []
        due = started
        while due < started + seconds:
            due += BEAT
            # No beat is skipped, however late it is.
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            lateness.append(max(0, time.perf_counter() - due) * 1e3)
        running = False
        return lateness

    async def work(start):
        done = 0
        while running:
            await job(start + done, steps)
            done += 1
            await asyncio.sleep(0)
        return done

    beats = asyncio.create_task(heart())
    done = sum(await asyncio.gather(*(work(core * 1000) for core in range(cores()))))
    elapsed = time.perf_counter() - started
    lateness = await beats
    missed = sum(late > BEAT * 1e3 for late in lateness)
    give(
        {
            "beats missed": missed / len(lateness) * 100,
            "worst lateness": max(lateness),
            "median lateness": statistics.median(lateness),
            "work done": done * JOB / elapsed,
        }
    )


if __name__ == "__main__":
    way, _, seconds = arguments()
    nice = {"initializer": os.nice, "initargs": (10,)} if way == "nice" else {}
    with ProcessPoolExecutor(cores(), **nice) as executor:
        job = {"inline": inline, "thread": thread}.get(way, process)
        asyncio.run(main(job, max(2 * seconds, LEAST)))
