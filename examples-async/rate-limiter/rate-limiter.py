import asyncio
from time import monotonic

PERIOD = 0.1


# ANCHOR: bucket
class RateLimiter:
    def __init__(self, capacity):
        self.tokens = asyncio.BoundedSemaphore(capacity)
        self.refilling = asyncio.create_task(self.refill())

    async def refill(self):
        while True:
            await asyncio.sleep(PERIOD)
            try:
                self.tokens.release()
            except ValueError:
                pass  # the bucket is full

    async def acquire(self):
        await self.tokens.acquire()
# ANCHOR_END: bucket


async def main():
    limiter = RateLimiter(3)
    started = monotonic()
    for request in range(1, 7):
        await limiter.acquire()
        milliseconds = round(1000 * (monotonic() - started))
        print(f"Request {request}: {milliseconds} ms")


asyncio.run(main())
