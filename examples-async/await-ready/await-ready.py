import asyncio

other_has_run = False


async def ready():  # never waits
    pass


async def other():
    global other_has_run
    other_has_run = True


def report(after):
    has_run = "" if other_has_run else "not "
    print(f"After {after}: the other task has {has_run}run")


async def main():
    task = asyncio.create_task(other())

    for _ in range(1_000_000):
        await ready()
    report("a million awaits of a ready future")

    await asyncio.sleep(0)  # asyncio's yield_now
    report("one yield_now")

    await task


asyncio.run(main())
