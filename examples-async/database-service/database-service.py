import asyncio
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

TABLE = """CREATE TABLE numbers AS WITH RECURSIVE n(i) AS (VALUES (1)
    UNION ALL SELECT i + 1 FROM n LIMIT 10000) SELECT i FROM n"""
ENDLESS = """WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL
    SELECT i + 1 FROM n) SELECT max(i) FROM n"""


class Database:
    """A connection with a thread of its own. to_thread would also work, but
    takes any thread, and sqlite3 wants the one that has opened it."""

    def __init__(self):
        self.thread = ThreadPoolExecutor(1)
        self.thread.submit(self.open)

    def open(self):
        self.connection = sqlite3.connect(":memory:")
        self.connection.execute(TABLE)

    async def query(self, query, running=lambda: None):
        loop, stop = asyncio.get_running_loop(), threading.Event()

        def run():
            # Every 1000 steps, SQLite asks this function whether to stop.
            self.connection.set_progress_handler(stop.is_set, 1000)
            loop.call_soon_threadsafe(running)
            try:
                return self.connection.execute(query).fetchone()[0]
            except sqlite3.OperationalError as error:
                # One write for the line and its end.
                print(f"Database: {error}\n", end="")

        try:
            return await loop.run_in_executor(self.thread, run)
        finally:
            stop.set()  # when the caller is canceled


async def main():
    database, running = Database(), asyncio.Event()
    # Python has no web server for production in its standard library, so
    # the handlers are called as one would call them.
    client = asyncio.create_task(database.query(ENDLESS, running.set))
    await running.wait()  # the query has begun, and never ends
    print("GET /health: ok")
    client.cancel()  # as if the client closed its connection
    total = await database.query("SELECT sum(i) FROM numbers")
    print(f"GET /sum: {total}")


asyncio.run(main())
