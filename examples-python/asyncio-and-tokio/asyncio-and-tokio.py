import asyncio

import asyncio_and_tokio as rust


# ANCHOR: await
async def await_rust():
    names = await asyncio.gather(rust.fetch("A"), rust.fetch("B"), slow("C"))
    print(f"asyncio: {names}", flush=True)


async def cancel_rust():
    try:
        await asyncio.wait_for(rust.fetch("D"), 0.1)
    except asyncio.TimeoutError:
        await asyncio.sleep(0.1)
        print("asyncio: has stopped waiting", flush=True)
# ANCHOR_END: await


async def slow(name):
    print(f"Python {name} starting", flush=True)
    try:
        await asyncio.sleep(0.5)
        print(f"Python {name} finished", flush=True)
    except asyncio.CancelledError:
        print(f"Python {name} canceled", flush=True)
        raise
    return name


# ANCHOR: broken
async def cancel_python():
    await report(rust.with_timeout(slow("E")))
# ANCHOR_END: broken


# ANCHOR: fixed
async def cancel_python_too():
    await report(rust.with_cancel(slow("F")))
# ANCHOR_END: fixed


async def report(call):
    try:
        await call
    except TimeoutError as error:
        print(f"asyncio: {error}", flush=True)
    await asyncio.sleep(0.6)


async def main():
    await await_rust()
    await cancel_rust()
    await cancel_python()
    await cancel_python_too()


if __name__ == "__main__":
    asyncio.run(main())
