import asyncio

import await_python as rust


async def slow(name):
    print(f"Python {name} starting", flush=True)
    try:
        await asyncio.sleep(0.5)
        print(f"Python {name} finished", flush=True)
    except asyncio.CancelledError:
        print(f"Python {name} canceled", flush=True)
        raise


# ANCHOR: broken
async def timeout_only():
    await report(rust.with_timeout(slow("A")))
# ANCHOR_END: broken


# ANCHOR: fixed
async def timeout_and_cancel():
    await report(rust.with_cancel(slow("B")))
# ANCHOR_END: fixed


async def report(call):
    try:
        await call
    except TimeoutError as error:
        print(f"asyncio: {error}", flush=True)
    await asyncio.sleep(0.6)


async def main():
    await timeout_only()
    await timeout_and_cancel()


if __name__ == "__main__":
    asyncio.run(main())
