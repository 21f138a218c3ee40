"""The cost of a map that many threads read and write."""

import random
import threading
import time

from measure import arguments, give
from work import cores

KEYS = 1024  # as in locks.rs


def per_second(threads, reads, seconds):
    """Returns the operations per second that these threads complete together."""
    values = dict.fromkeys(range(KEYS), 0)
    lock = threading.Lock()
    start = threading.Barrier(threads + 1)
    stop = False
    done = []

    def worker(number):
        # Drawn in advance, because drawing takes longer than the operation.
        draw = random.Random(number)
        operations = [(draw.randrange(KEYS), draw.randrange(100) < reads) for _ in range(1000)]
        times = 0
        start.wait()
        while not stop:
            for key, only_read in operations:
                if only_read:
                    with lock:
                        values[key]
                else:
                    with lock:
                        values[key] += 1
            times += len(operations)
        done.append(times)

    workers = [threading.Thread(target=worker, args=(number,)) for number in range(threads)]
    for thread in workers:
        thread.start()
    start.wait()
    started = time.perf_counter()
    time.sleep(seconds)
    stop = True
    took = time.perf_counter() - started
    for thread in workers:
        thread.join()
    return sum(done) / took


if __name__ == "__main__":
    _, reads, seconds = arguments()
    threads = {
        "one thread": 1,
        "a thread per core": cores(),
        "two threads per core": 2 * cores(),
    }
    figures = {name: per_second(many, reads, seconds / 3) / 1e6 for name, many in threads.items()}
    figures["gain from threads"] = figures["two threads per core"] / figures["one thread"]
    give(figures)
