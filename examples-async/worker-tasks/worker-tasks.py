import asyncio


async def worker(id):
    print(f"Worker {id} starting")
    await asyncio.sleep(2)  # stands for I/O
    print(f"Worker {id} finished")


async def main():
    workers = [asyncio.create_task(worker(id)) for id in range(5)]
    for ended in asyncio.as_completed(workers):
        await ended


asyncio.run(main())
