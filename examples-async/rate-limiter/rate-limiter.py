import asyncio

BURST = 3


async def fill(tokens):
    """Adds a token every 50 ms, unless the bucket is full."""
    while True:
        await asyncio.sleep(0.05)
        if tokens.qsize() < BURST:
            print("Bucket: one more token")
            tokens.put_nowait(None)


async def main():
    tokens = asyncio.Queue()
    for _ in range(BURST):
        tokens.put_nowait(None)
    bucket = asyncio.create_task(fill(tokens))
    for id in range(1, 7):
        await tokens.get()
        print(f"Request {id} starting")
    bucket.cancel()


asyncio.run(main())
