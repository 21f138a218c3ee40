"""Sends back what it receives, with a thread or a task per connection. Prints
the port on which it listens."""

import asyncio
import socket
import sys
import threading

BUFFER = 1024
BACKLOG = 1024


def threads():
    with socket.create_server(("127.0.0.1", 0), backlog=BACKLOG) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=echo, args=(connection,), daemon=True).start()


def echo(connection):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        while data := connection.recv(BUFFER):
            connection.sendall(data)
    except ConnectionResetError:
        pass  # how the client closes


async def tasks():
    async def echo(reader, writer):  # asyncio sets TCP_NODELAY by itself
        try:
            while data := await reader.read(BUFFER):
                writer.write(data)
                await writer.drain()
        except ConnectionResetError:
            pass  # how the client closes

    server = await asyncio.start_server(echo, "127.0.0.1", 0, backlog=BACKLOG)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if sys.argv[1] == "threads":
    threads()
else:
    asyncio.run(tasks())
