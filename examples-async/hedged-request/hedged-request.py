import asyncio


async def ask(server, seconds):
    print(f"{server}: asked")
    try:
        await asyncio.sleep(seconds)  # stands for the request
        print(f"{server}: answered")
        return server
    finally:  # runs when the task is canceled too
        print(f"{server}: connection closed")


# ANCHOR: way
HEDGE_AFTER = 0.05  # longer than the first server usually takes


async def hedged(first, second):
    requests = {asyncio.create_task(ask("Paris", first))}
    done, _ = await asyncio.wait(requests, timeout=HEDGE_AFTER)
    if not done:
        print("Main: Paris is slow")
        requests.add(asyncio.create_task(ask("Tokyo", second)))
        done, others = await asyncio.wait(
            requests, return_when=asyncio.FIRST_COMPLETED
        )
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)
    return done.pop().result()
# ANCHOR_END: way


async def main():
    print(f"Main: {await hedged(2, 0.05)} won")
    print(f"Main: {await hedged(0.02, 0.05)} won")


asyncio.run(main())
