import asyncio


async def pay(name, in_the_middle):
    print(f"{name}: takes the money")
    in_the_middle.set()
    try:
        await asyncio.sleep(0.05)  # stands for a second server
    except asyncio.CancelledError:
        print(f"{name}: canceled in the middle")
        raise
    print(f"{name}: delivers the goods")


# ANCHOR: broken
async def handler(in_the_middle):
    await pay("In the handler", in_the_middle)
# ANCHOR_END: broken


# ANCHOR: fixed
payments = set()  # the loop keeps only weak references to its tasks


async def shielded_handler(in_the_middle):
    payment = asyncio.create_task(pay("Shielded", in_the_middle))
    payments.add(payment)
    await asyncio.shield(payment)
# ANCHOR_END: fixed


async def main():
    for handle in handler, shielded_handler:
        in_the_middle = asyncio.Event()
        request = asyncio.create_task(handle(in_the_middle))
        await in_the_middle.wait()
        request.cancel()
        try:
            await request
        except asyncio.CancelledError:
            print("The client is gone")
    await asyncio.gather(*payments)


asyncio.run(main())
