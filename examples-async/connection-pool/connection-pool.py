import asyncio


class Pool:
    def __init__(self, server, max_connections):
        self.server = server
        self.permits = asyncio.Semaphore(max_connections)
        self.idle = []

    async def request(self, line):
        """Returns the answer to a line. Waits for a free connection."""
        async with self.permits:
            if self.idle:
                reader, writer = self.idle.pop()
            else:
                reader, writer = await asyncio.open_connection(*self.server)
            try:
                writer.write(f"{line}\n".encode())
                answer = await reader.readline()
                if not answer:
                    raise EOFError
            except BaseException:
                # Also when it is canceled. Otherwise another request would
                # read its answer later.
                writer.close()
                raise
            self.idle.append((reader, writer))
            return answer.decode()


async def serve(reader, writer):
    """Sends back each line, but never answers "lost"."""
    print("Server: a new connection")
    try:
        while line := await reader.readline():
            if line != b"lost\n":
                writer.write(line)
    except asyncio.CancelledError:
        pass  # main has ended


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    pool = Pool(server.sockets[0].getsockname(), 3)

    requests = [pool.request("hello") for _ in range(100)]
    answers = await asyncio.gather(*requests)
    print(f"Client: {len(answers)} answers")

    try:
        await asyncio.wait_for(pool.request("lost"), 0.05)
    except TimeoutError:
        print("Client: a request has timed out: true")

    requests = [pool.request("again") for _ in range(3)]
    answers = await asyncio.gather(*requests)
    print("Client:", str(answers).replace("'", '"'))


asyncio.run(main())
