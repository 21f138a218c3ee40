"""A computation in Python, and in Rust behind Python."""

import threading
from concurrent.futures import ProcessPoolExecutor

from measure import arguments, give, seconds_each
from work import cores, longest

LAST = 300_000
ANSWER = (442, 230_631)
LONG = -(-LAST // max(64, 8 * cores()))
PIECES = [range(first, min(first + LONG, LAST + 1)) for first in range(1, LAST + 1, LONG)]


def one(find):
    def run(times):
        for _ in range(times):
            assert find(LAST) == ANSWER

    return seconds_each(seconds, run)


def two_threads(find):
    """Each thread finds the answer once. Returns the time for one answer."""

    def run(times):
        found = []
        for _ in range(times):
            threads = [
                threading.Thread(target=lambda: found.append(find(LAST))) for _ in range(2)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert found == [ANSWER] * 2 * times

    return seconds_each(seconds, run) / 2


def processes():
    with ProcessPoolExecutor(cores()) as pool:
        # Start all workers before the measurement.
        list(pool.map(longest, [range(1, 1000)] * 2 * cores()))
        return one(lambda _: max(pool.map(longest, PIECES)))


def rust():
    import fast_function  # only here, because Python alone can do without

    return fast_function


if __name__ == "__main__":
    way, _, seconds = arguments()
    ways = {
        "python": lambda: one(lambda last: longest(range(1, last + 1))),
        "processes": processes,
        "rust": lambda: one(rust().longest),
        "rayon": lambda: one(rust().longest_parallel),
        "holding": lambda: two_threads(rust().longest),
        "detached": lambda: two_threads(rust().longest_detached),
    }
    give({"time": ways[way]() * 1e3})
