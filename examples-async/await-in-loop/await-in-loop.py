import asyncio
from time import monotonic


async def fetch(page):
    print(f"Page {page} starting")
    await asyncio.sleep(0.2)  # stands for the request
    print(f"Page {page} finished")
    return page


# ANCHOR: broken
async def one_after_the_other():
    for page in 1, 2, 3:
        await fetch(page)  # the next one is not even created yet
# ANCHOR_END: broken


# ANCHOR: fixed
async def together():
    fetches = [asyncio.create_task(fetch(page)) for page in (1, 2, 3)]
    for result in asyncio.as_completed(fetches):
        await result
# ANCHOR_END: fixed


def milliseconds(main):
    started = monotonic()
    asyncio.run(main())
    return round(1000 * (monotonic() - started))


print(f"In a loop: {milliseconds(one_after_the_other)} ms")
print(f"In a JoinSet: {milliseconds(together)} ms")
