"""A few slow waits, or many quick ones: slow.py threads|tasks WAITS MILLISECONDS"""

import asyncio
import json
import resource
import sys
import threading
import time

FEW = 5


def threads(count, wait):
    workers = [threading.Thread(target=time.sleep, args=(wait,)) for _ in range(count)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


async def tasks(count, wait):
    await asyncio.gather(*(asyncio.sleep(wait) for _ in range(count)))


def peak_memory():
    """In MiB. Of Linux's own file where there is one: the figure of getrusage
    begins with that of the program that started this one."""
    try:
        with open("/proc/self/status") as status:
            peak = next(line for line in status if line.startswith("VmHWM"))
        return int(peak.split()[1]) / 1024
    except OSError:
        scale = 1 << 20 if sys.platform == "darwin" else 1 << 10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def main():
    way, count = sys.argv[1], int(sys.argv[2])
    wait = 2.0 if count == FEW else 0.1
    started = time.perf_counter()
    if way == "threads":
        threads(count, wait)
    else:
        asyncio.run(tasks(count, wait))
    over = time.perf_counter() - started - wait
    print(json.dumps({"time over the wait": over * 1e3, "memory": peak_memory()}))


if __name__ == "__main__":
    main()
