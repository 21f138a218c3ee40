import asyncio
from asyncio import FIRST_COMPLETED


async def ask(server, seconds):
    print(f"{server}: asked")
    try:
        await asyncio.sleep(seconds)  # stands for the request
        print(f"{server}: answered")
        return server
    finally:  # runs when the task is canceled too
        print(f"{server}: connection closed")


async def first(*requests):
    tasks = [asyncio.create_task(request) for request in requests]
    done, others = await asyncio.wait(tasks, return_when=FIRST_COMPLETED)
    winner = done.pop().result()
    for other in others:
        other.cancel()  # nothing ends by itself: the loser must be canceled
    await asyncio.gather(*others, return_exceptions=True)
    print(f"Main: {winner} won")


async def main():
    await first(ask("Paris", 2), ask("Tokyo", 0.1))
    await first(ask("Lima", 2), ask("Oslo", 0.05))
    print("Main: nothing is left")


asyncio.run(main())
