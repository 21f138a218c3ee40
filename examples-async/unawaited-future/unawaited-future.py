import asyncio


async def greet(name):
    print(f"Hello from {name}")


async def main():
    first = greet("the first future")  # created, not started
    second = greet("the second future")
    print("Two futures created")

    await second
    del first  # RuntimeWarning: coroutine 'greet' was never awaited
    print("One awaited, one dropped")


asyncio.run(main())
