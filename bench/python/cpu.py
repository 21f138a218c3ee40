"""A computation in sequence, in threads and in processes."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

from measure import arguments, give, seconds_each
from work import cores, longest

LAST = 300_000
ANSWER = (442, 230_631)
LONG = -(-LAST // max(64, 8 * cores()))
PIECES = [range(first, min(first + LONG, LAST + 1)) for first in range(1, LAST + 1, LONG)]


def measure(seconds, way):
    def run(times):
        for _ in range(times):
            assert way() == ANSWER

    give({"time": seconds_each(seconds, run) * 1e3})


def measure_pool(seconds, executor):
    with executor:
        # Start all workers before the measurement.
        list(executor.map(longest, [range(1, 1000)] * 2 * cores()))
        measure(seconds, lambda: max(executor.map(longest, PIECES)))


if __name__ == "__main__":
    way, _, seconds = arguments()
    if way == "sequence":
        measure(seconds, lambda: longest(range(1, LAST + 1)))
    elif way == "threads":
        measure_pool(seconds, ThreadPoolExecutor(cores()))
    else:
        measure_pool(seconds, ProcessPoolExecutor(cores()))
