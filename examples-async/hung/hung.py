import asyncio
import faulthandler
import os
import queue
import signal
import subprocess
import sys
import threading
import time


# ANCHOR: blocked
async def wait_for_message():
    messages = queue.SimpleQueue()

    async def send():
        messages.put("hello")

    task = asyncio.create_task(send())
    messages.get()  # blocks the thread of the event loop
    await task
# ANCHOR_END: blocked


# ANCHOR: lock
async def update(total):
    with total["lock"]:  # a threading.Lock, held across an await
        await asyncio.sleep(0.01)
        total["value"] += 1
# ANCHOR_END: lock


# ANCHOR: wakeup
async def wait_for_answer():
    answer = asyncio.get_running_loop().create_future()

    def work():
        time.sleep(0.05)
        # Does not wake the loop up. loop.call_soon_threadsafe would.
        answer.set_result("hello")

    threading.Thread(target=work).start()
    await answer
# ANCHOR_END: wakeup


async def main(name):
    print(f"{name}: starts as process {os.getpid()}", flush=True)
    if name == "blocked":
        await wait_for_message()
    elif name == "lock":
        total = {"lock": threading.Lock(), "value": 0}
        await asyncio.gather(update(total), update(total))
    elif name == "wakeup":
        await wait_for_answer()
    else:
        sys.exit("the hangs are blocked, lock and wakeup")


if len(sys.argv) > 1:
    if hasattr(faulthandler, "register"):  # not on Windows
        faulthandler.register(signal.SIGUSR1)
    asyncio.run(main(sys.argv[1]))
else:
    for name in "blocked", "lock", "wakeup":
        command = [sys.executable, __file__, name]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        print(child.stdout.readline(), end="", flush=True)
        try:
            child.wait(0.3)
            print(f"{name}: ended", flush=True)
        except subprocess.TimeoutExpired:
            print(f"{name}: hangs", flush=True)
        child.kill()
        child.wait()
