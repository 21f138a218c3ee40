import asyncio
from concurrent.futures import ProcessPoolExecutor


def chain(n):
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


def work():  # Rust goes up to 4,000,000
    return max(map(chain, range(1, 60_000)))


# ANCHOR: ways
async def inline():
    return work()


async def to_thread():  # the GIL changes hands every 5 ms
    return await asyncio.to_thread(work)


async def process_pool():
    with ProcessPoolExecutor(1) as pool:
        return await asyncio.get_running_loop().run_in_executor(pool, work)
# ANCHOR_END: ways


async def heartbeat(name, job):
    print(f"{name} starting", flush=True)
    task = asyncio.create_task(job)
    while not task.done():
        await asyncio.wait([task], timeout=0.05)
        if not task.done():
            print("Heart: beat", flush=True)
    task.result()
    print(f"{name} finished", flush=True)


async def main():
    await heartbeat("Job 1 (inline)", inline())
    await heartbeat("Job 2 (to_thread)", to_thread())
    await heartbeat("Job 3 (process pool)", process_pool())


if __name__ == "__main__":
    asyncio.run(main())
