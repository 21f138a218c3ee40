import asyncio


async def fetch():
    print("Task: fetching")
    await asyncio.sleep(2)  # stands for I/O
    return "Done"


async def main():
    task = asyncio.create_task(fetch())

    print("Doing something else while waiting...")
    await asyncio.sleep(1)  # the task runs meanwhile
    print("Something else is done")

    print(f"Task result: {await task}")


asyncio.run(main())
