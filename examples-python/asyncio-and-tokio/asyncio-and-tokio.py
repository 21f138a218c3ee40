import asyncio
import atexit
import sys

import asyncio_and_tokio as rust


# ANCHOR: await
async def await_rust():
    names = await asyncio.gather(
        rust.fetch("A"), rust.fetch("B"), slow("C")
    )
    say(f"asyncio: {names}")


async def cancel_rust():
    try:
        await asyncio.wait_for(rust.fetch("D"), 0.1)
    except asyncio.TimeoutError:
        await asyncio.sleep(0.1)
        say("asyncio: has stopped waiting")
# ANCHOR_END: await


def say(line):
    # One write, because Rust's threads print, too.
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def slow(name):
    say(f"Python {name} starting")
    await asyncio.sleep(0.5)
    say(f"Python {name} finished")
    return name


# ANCHOR: hop
async def three_ways():
    rust.nothing()  # a plain call: the event loop waits for it
    await asyncio.to_thread(rust.nothing)  # a thread of Python calls it
    await rust.ready()  # tokio runs it
# ANCHOR_END: hop


async def main():
    await await_rust()
    await cancel_rust()
    await three_ways()
    say("asyncio: done")


# ANCHOR: exit
if __name__ == "__main__":
    # Without this, Python may crash: it ends while tokio still hands over a
    # result.
    atexit.register(rust.wait_for_results)
    asyncio.run(main())
# ANCHOR_END: exit
