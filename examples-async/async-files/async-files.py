import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


async def main():
    # A pool of one thread, so that one job fills it. to_thread uses it.
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    started, end = asyncio.Event(), threading.Event()

    def job():
        print("Job: holds the only thread of the pool")
        loop.call_soon_threadsafe(started.set)
        end.wait()
        # One write for the line and its end, so that they stay together.
        print("Job: ends\n", end="")

    job = asyncio.create_task(asyncio.to_thread(job))
    await started.wait()

    # asyncio has no files. Ordinary ones are read in a thread.
    read = asyncio.create_task(asyncio.to_thread(Path(__file__).read_bytes))
    done, _ = await asyncio.wait([read], timeout=0.1)
    if not done:
        print("File: waits, although the runtime's own thread is free")
    end.set()
    await read
    print("File: read")
    await job


asyncio.run(main())
