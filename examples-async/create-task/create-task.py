import asyncio


async def fetch():
    await asyncio.sleep(2)  # stands for I/O
    return "Done"


async def main():
    task = asyncio.create_task(fetch())
    print("Doing something else while waiting...")
    print(f"Task result: {await task}")


asyncio.run(main())
