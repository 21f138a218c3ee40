import asyncio
from asyncio import FIRST_COMPLETED, as_completed, create_task, wait


async def fetch(page):
    print(f"Page {page} starting")
    seconds = [0.45, 0.15, 0.3][page - 1]  # page 2 is the fastest
    await asyncio.sleep(seconds)  # stands for the request
    print(f"Page {page} finished")
    return page


# ANCHOR: way
async def with_as_completed(handle):
    fetches = [create_task(fetch(page)) for page in (1, 2, 3)]
    for result in as_completed(fetches):
        handle(await result)


async def with_wait(handle):  # says which task is done
    fetches = {create_task(fetch(page)) for page in (1, 2, 3)}
    while fetches:
        done, fetches = await wait(fetches, return_when=FIRST_COMPLETED)
        for task in done:
            handle(task.result())
# ANCHOR_END: way


async def main():
    def handle(page):
        print(f"Main: page {page}")

    await with_as_completed(handle)
    print("Main: the same again")
    await with_wait(handle)


asyncio.run(main())
