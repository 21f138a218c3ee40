import asyncio

running = max_running = 0


async def request(permits, id):
    global running, max_running
    async with permits:
        print(f"Request {id} starting")
        running += 1
        max_running = max(max_running, running)
        await asyncio.sleep(0.1)  # stands for the request
        running -= 1
        print(f"Request {id} finished")


async def main():
    permits = asyncio.Semaphore(3)
    await asyncio.gather(*(request(permits, id) for id in range(9)))
    print(f"Most at once: {max_running}")


asyncio.run(main())
