"""Many waits of one second, all at once."""

import asyncio
import threading
import time

from measure import arguments, give, peak_memory

WAIT = 1


def threads(count):
    waits = [threading.Thread(target=time.sleep, args=(WAIT,)) for _ in range(count)]
    for wait in waits:
        wait.start()
    for wait in waits:
        wait.join()


async def tasks(count):
    await asyncio.gather(*(asyncio.sleep(WAIT) for _ in range(count)))


if __name__ == "__main__":
    way, count, _ = arguments()
    started = time.perf_counter()
    if way == "threads":
        threads(count)
    else:
        asyncio.run(tasks(count))
    give({"time": time.perf_counter() - started, "memory": peak_memory()})
