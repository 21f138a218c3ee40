import asyncio


async def copy(name):
    outcome = "canceled"
    try:
        await asyncio.sleep(0.5)  # stands for the copy
        outcome = "finished"
    finally:
        print(f"  {name}: {outcome}")


async def fail():
    await asyncio.sleep(0.02)
    raise OSError("disk full")


async def main():
    # gather raises the first error at once, but keeps the others running.
    print("gather:")
    copying = asyncio.create_task(copy("A"))
    try:
        await asyncio.gather(copying, fail())
    except OSError as error:
        print(f"  {error}, known at once")
    await copying

    # A TaskGroup cancels the others and waits for them.
    print("TaskGroup:")
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(copy("B"))
            group.create_task(fail())
    except* OSError as errors:
        print(f"  {errors.exceptions[0]}, known at once")


asyncio.run(main())
