import asyncio
import sys
import time

WAIT = 1  # in seconds; all waits together cannot take less


# ANCHOR: ways
async def in_tasks(count):  # gather makes a task of each coroutine
    await asyncio.gather(*(asyncio.sleep(WAIT) for _ in range(count)))
# ANCHOR_END: ways


count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
started = time.perf_counter()
print(f"{count} tasks wait for {WAIT}s")
asyncio.run(in_tasks(count))
print(f"All are done after {time.perf_counter() - started:.3f} s")
