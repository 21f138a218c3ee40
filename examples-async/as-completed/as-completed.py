import asyncio
from asyncio import FIRST_COMPLETED


async def fetch(page):
    print(f"Page {page} starting")
    await asyncio.sleep([0.45, 0.15, 0.3][page - 1])  # page 2 is the fastest
    print(f"Page {page} finished")
    return page


# ANCHOR: way
async def with_as_completed(handle):
    fetches = [asyncio.create_task(fetch(page)) for page in (1, 2, 3)]
    for fetched in asyncio.as_completed(fetches):
        handle(await fetched)


async def with_wait(handle):  # says which task is done
    fetches = {asyncio.create_task(fetch(page)) for page in (1, 2, 3)}
    while fetches:
        done, fetches = await asyncio.wait(fetches, return_when=FIRST_COMPLETED)
        for fetched in done:
            handle(fetched.result())
# ANCHOR_END: way


async def main():
    def handle(page):
        print(f"Main: page {page}")

    await with_as_completed(handle)
    print("Main: the same again")
    await with_wait(handle)


asyncio.run(main())
