import asyncio


async def pages(name, count):
    for page in range(1, count + 1):
        await asyncio.sleep(0.02)  # stands for the request
        yield f"{name}{page}"


async def main():
    async for page in pages("a", 3):
        print(f"One by one: {page}")

    titles = []
    async for page in pages("b", 9):
        titles.append(page.upper())
        if len(titles) == 2:
            break
    print("Two of nine:", str(titles).replace("'", '"'))

    # There is no merge in the standard library: two tasks and a queue.
    queue = asyncio.Queue()

    async def forward(stream):
        async for page in stream:
            await queue.put(page)

    await asyncio.gather(forward(pages("c", 2)), forward(pages("d", 2)))
    print(f"Merged: {queue.qsize()} pages")

    permits = asyncio.Semaphore(3)

    async def square(n):
        async with permits:
            await asyncio.sleep(0.01)
            return n * n

    squares = await asyncio.gather(*(square(n) for n in range(1, 7)))
    print("Three at a time:", squares)


asyncio.run(main())
