import asyncio


class Late(Exception):
    pass


async def within(seconds, what, awaitable):
    try:
        # Not wait_for: before Python 3.12, an inner one could swallow the
        # cancellation by an outer one.
        async with asyncio.timeout(seconds):
            return await awaitable
    except TimeoutError:
        raise Late(f"{what}: deadline has elapsed") from None


async def request(connect, connecting=30, reading=30, whole=30):
    async def exchange():
        reader, writer = await within(connecting, "connecting", connect)
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        answer = ""
        # For each read, so that a long answer may take longer.
        while part := await within(reading, "reading", reader.read(1000)):
            answer += part.decode()
        writer.close()
        return answer

    return await within(whole, "the whole request", exchange())


async def start(handler):
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    return server.sockets[0].getsockname()


async def drip(writer, parts):
    """Sends this many bytes, one every 10 ms."""
    try:
        for _ in range(parts):
            writer.write(b".")
            await asyncio.sleep(0.01)
        writer.close()
    except asyncio.CancelledError:
        pass  # main has ended


async def show(server, request):
    try:
        print(f"{server}: {await request}")
    except Late as error:
        print(f"{server}: {error}")


async def main():
    connect = asyncio.open_connection
    prompt = await start(lambda _, writer: drip(writer, 3))
    await show("prompt", request(connect(*prompt)))
    down = asyncio.Event().wait()  # stands for a host that is down
    await show("down", request(down, connecting=0.1))
    silent = await start(lambda reader, writer: None)  # never answers
    await show("silent", request(connect(*silent), reading=0.1))
    drips = await start(lambda _, writer: drip(writer, 1_000_000))
    await show("drips", request(connect(*drips), whole=0.1))


asyncio.run(main())
