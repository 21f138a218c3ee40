import asyncio

LIMIT = 0.45


async def call(service):
    print(f"{service} starting")
    await asyncio.sleep(0.3)  # stands for the request
    print(f"{service} finished")


# ANCHOR: broken
async def a_timeout_for_each_call():
    for service in "Session", "Orders", "Invoice":
        async with asyncio.timeout(LIMIT):
            await call(service)
# ANCHOR_END: broken


# ANCHOR: fixed
async def a_deadline():
    deadline = asyncio.get_running_loop().time() + LIMIT
    async with asyncio.timeout_at(deadline):
        await call("Session")
    await invoice(deadline)


async def invoice(deadline):
    async with asyncio.timeout_at(deadline):
        await call("Orders")
        await call("Invoice")
# ANCHOR_END: fixed


async def report(name, request):
    try:
        await request
        print(f"{name}: done")
    except TimeoutError:
        print(f"{name}: out of time")


async def main():
    await report("A timeout for each call", a_timeout_for_each_call())
    await report("A deadline", a_deadline())


asyncio.run(main())
