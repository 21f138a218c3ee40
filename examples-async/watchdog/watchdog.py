import asyncio
import queue
import threading
import time

# ANCHOR: watchdog
PERIOD = 0.02
LIMIT = 0.3


async def beat(heart):
    while True:
        heart.put("beat")
        await asyncio.sleep(PERIOD)


def watch(beats):
    blocked = False
    while True:
        try:
            if beats.get(timeout=LIMIT) is None:
                return
            if blocked:
                print("Watchdog: the runtime runs again", flush=True)
                blocked = False
        except queue.Empty:
            if not blocked:
                print("Watchdog: no heartbeat for 300ms", flush=True)
                blocked = True
# ANCHOR_END: watchdog


async def main():
    beats = queue.SimpleQueue()
    watchdog = threading.Thread(target=watch, args=[beats])
    watchdog.start()
    heartbeat = asyncio.create_task(beat(beats))

    print("Task: waits, and the runtime runs other tasks", flush=True)
    await asyncio.sleep(LIMIT / 3)
    print("Task: blocks the thread of the runtime", flush=True)
    time.sleep(LIMIT * 2)  # the mistake
    print("Task: waits again", flush=True)
    await asyncio.sleep(PERIOD * 2)

    heartbeat.cancel()
    beats.put(None)
    watchdog.join()


asyncio.run(main())
