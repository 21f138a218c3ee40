import asyncio


def count_perfect_numbers(limit):
    return sum(
        sum(d for d in range(1, n // 2 + 1) if n % d == 0) == n
        for n in range(2, limit)
    )


async def main():
    # A quarter of the limit in Rust, so a sixteenth of the work.
    work = asyncio.to_thread(count_perfect_numbers, 15_000)
    job = asyncio.create_task(work)
    while not job.done():
        print("tick")
        await asyncio.wait([job], timeout=0.1)
    print(f"Result: {job.result()}")


asyncio.run(main())
