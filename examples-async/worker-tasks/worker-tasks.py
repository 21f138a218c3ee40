import asyncio


async def worker(id):
    print(f"Worker {id} starting")
    await asyncio.sleep(2)  # stands for I/O
    print(f"Worker {id} finished")


async def main():
    workers = [asyncio.create_task(worker(id)) for id in range(5)]
    for result in asyncio.as_completed(workers):
        await result


asyncio.run(main())
