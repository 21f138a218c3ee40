import asyncio

cache = {}


async def fetch(key):
    print(f"Fetching page {key}")
    await asyncio.sleep(0.05)  # stands for the request
    return f"page {key}"


async def get(key):
    # No await between the look-up and the insertion, so no other task can
    # come in between. A future can be awaited many times.
    if key not in cache:
        cache[key] = asyncio.ensure_future(fetch(key))
    return await asyncio.shield(cache[key])


async def main():
    answers = await asyncio.gather(*(get(7) for _ in range(100)))
    print(f'{len(answers)} readers got "{answers[0]}"')


asyncio.run(main())
