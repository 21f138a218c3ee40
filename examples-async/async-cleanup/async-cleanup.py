import asyncio
from contextlib import asynccontextmanager


async def say_goodbye(name):
    await asyncio.sleep(0.02)  # stands for the message
    print(f"{name}: the server knows")


@asynccontextmanager
async def connect(name):
    try:
        yield name
    finally:  # may await: that is what `async with` is for
        await say_goodbye(name)


async def main():
    async with connect("Closed"):
        pass


asyncio.run(main())
