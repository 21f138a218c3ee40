import asyncio


async def transfer(bank):
    bank["savings"] -= 10
    await asyncio.sleep(0.1)  # stands for a second server
    bank["checking"] += 10


async def main():
    # ANCHOR: broken
    # wait_for cancels at its limit: CancelledError is raised at the await.
    one = {"savings": 100, "checking": 0}
    try:
        await asyncio.wait_for(transfer(one), 0.05)
        print("Done")
    except asyncio.TimeoutError:
        print("Stopped")
    print(f"Dropped in the middle: {sum(one.values())} of 100 left")
    # ANCHOR_END: broken

    # ANCHOR: fixed
    # shield keeps the cancellation away from the task.
    other = {"savings": 100, "checking": 0}
    task = asyncio.create_task(transfer(other))
    try:
        await asyncio.wait_for(asyncio.shield(task), 0.05)
        print("Done")
    except asyncio.TimeoutError:
        print("Stopped, but finishes the transfer")
    await task
    print(f"As a task of its own: {sum(other.values())} of 100 left")
    # ANCHOR_END: fixed


asyncio.run(main())
