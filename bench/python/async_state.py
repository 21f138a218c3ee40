"""The cost of sharing a counter between tasks."""

import asyncio

from measure import arguments, give, seconds_each

TASKS = 10  # as in async_state.rs


async def in_tasks(times, update):
    """Divides the updates among the tasks."""

    async def task(share):
        for _ in range(share):
            await update()

    shares = (times // TASKS + (number < times % TASKS) for number in range(TASKS))
    await asyncio.gather(*(task(share) for share in shares))


async def lock(times):
    counter = 0
    lock = asyncio.Lock()

    async def update():
        nonlocal counter
        async with lock:
            counter += 1
            return counter

    await in_tasks(times, update)
    return counter


async def actor(times):
    requests = asyncio.Queue(100)

    async def owner():
        counter = 0
        while (reply := await requests.get()) is not None:
            counter += 1
            reply.set_result(counter)
        return counter

    async def update():
        reply = asyncio.get_running_loop().create_future()
        await requests.put(reply)
        return await reply

    owning = asyncio.create_task(owner())
    await in_tasks(times, update)
    await requests.put(None)
    return await owning


if __name__ == "__main__":
    way, _, seconds = arguments()
    count = {"lock": lock, "actor": actor}[way]
    loop = asyncio.new_event_loop()

    def updates(times):
        assert loop.run_until_complete(count(times)) == times

    give({"one thread": seconds_each(seconds, updates) * 1e9})
