import asyncio


async def parse(text):
    assert text, "an empty message"
    return int(text)


async def supervise(name, work):
    try:
        await work
    except asyncio.CancelledError:
        print(f"{name} was canceled")
        raise
    except AssertionError:
        print(f"{name} panicked")
    except ValueError:
        print(f"{name} failed: invalid digit found in string")


async def main():
    # asyncio reports these two when the tasks are garbage collected: "Task
    # exception was never retrieved".
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    asyncio.create_task(parse("seven"))
    asyncio.create_task(parse(""))
    await asyncio.sleep(0)  # both run now
    print("Detached: main knows nothing")

    task = asyncio.create_task(parse(""))
    await asyncio.wait([task])
    print("Awaited: a panic?", str(task.exception() is not None).lower())

    for name, text in ("Input 1", "seven"), ("Input 2", ""):
        await asyncio.create_task(supervise(name, parse(text)))
    print("Main goes on")


asyncio.run(main())
