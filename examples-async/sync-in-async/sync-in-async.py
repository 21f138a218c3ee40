import asyncio
import time


def blocking_call():
    time.sleep(2)  # stands for blocking I/O
    return "Completed"


async def main():
    print(await asyncio.to_thread(blocking_call))


asyncio.run(main())
