"""A few slow waits, or many quick ones."""

import asyncio
import threading
import time

from measure import arguments, give, peak_memory

FEW = 5


def threads(count, wait):
    workers = [threading.Thread(target=time.sleep, args=(wait,)) for _ in range(count)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


async def tasks(count, wait):
    await asyncio.gather(*(asyncio.sleep(wait) for _ in range(count)))


if __name__ == "__main__":
    way, count, _ = arguments()
    wait = 2.0 if count == FEW else 0.1
    started = time.perf_counter()
    if way == "threads":
        threads(count, wait)
    else:
        asyncio.run(tasks(count, wait))
    over = time.perf_counter() - started - wait
    give({"time over the wait": over * 1e3, "memory": peak_memory()})
