import asyncio


async def task(name):
    print(f"Task {name} starting")
    await asyncio.sleep(2)  # stands for I/O
    print(f"Task {name} finished")


async def main():
    await asyncio.gather(task("A"), task("B"), task("C"))


asyncio.run(main())
