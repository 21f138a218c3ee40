import asyncio
import time
from concurrent.futures import ProcessPoolExecutor


def chain(n):
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


def work():  # Rust goes up to 2,000,000
    began = time.monotonic()
    max(map(chain, range(1, 100_000)))
    return began, time.monotonic()


# ANCHOR: ways
async def inline():
    return work()


async def to_thread():  # the GIL changes hands every 5 ms
    return await asyncio.to_thread(work)


async def process_pool():
    with ProcessPoolExecutor(1) as pool:
        return await asyncio.get_running_loop().run_in_executor(pool, work)
# ANCHOR_END: ways


async def measure(name, way):
    beats = []

    async def heart():
        while True:
            beats.append(time.monotonic())
            await asyncio.sleep(0.01)

    heartbeat = asyncio.create_task(heart())
    await asyncio.sleep(0)  # the heart beats: begin
    start, end = await way()
    heartbeat.cancel()
    during = [beat for beat in beats if start <= beat < end]
    edges = [start, *during, end]
    longest = max(after - before for before, after in zip(edges, edges[1:]))
    print(
        f"One thread, {name}: {len(during)} beats, "
        f"longest gap {longest * 1000:.0f} ms",
        flush=True,
    )


async def main():
    await measure("inline", inline)
    await measure("to_thread", to_thread)
    await measure("process pool", process_pool)


if __name__ == "__main__":
    asyncio.run(main())
