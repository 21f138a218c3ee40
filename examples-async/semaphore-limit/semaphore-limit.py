import asyncio

running = most = 0


async def request(permits, id):
    global running, most
    async with permits:
        print(f"Request {id} starting")
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.1)  # stands for the request
        running -= 1
        print(f"Request {id} finished")


async def main():
    permits = asyncio.Semaphore(3)
    await asyncio.gather(*(request(permits, id) for id in range(9)))
    print(f"Most at once: {most}")


asyncio.run(main())
