import os
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

LIMIT = 300_000  # Rust goes up to 5,000,000 in less time

if hasattr(os, "sched_getaffinity"):  # the cores that this process may use
    CORES = len(os.sched_getaffinity(0))
else:  # not Linux
    CORES = os.cpu_count() or 1


def chain(start):
    n, steps = start, 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps, start


# ANCHOR: ways
def share(first):
    return max(map(chain, range(1 + first, LIMIT, CORES)))


def in_sequence():
    return max(map(chain, range(1, LIMIT)))


def on_threads():  # they take turns: the GIL
    with ThreadPoolExecutor(CORES) as pool:
        return max(pool.map(share, range(CORES)))


def in_processes():  # in place of rayon, which Python does not have
    with ProcessPoolExecutor(CORES) as pool:
        return max(pool.map(share, range(CORES)))
# ANCHOR_END: ways


def measure(name, way):
    started = time.perf_counter()
    steps, start = way()
    took = time.perf_counter() - started
    line = f"{name}: {start} takes {steps} steps, found in {took:.3f} s"
    print(line, flush=True)
    return took


if __name__ == "__main__":
    sequence = measure("Sequence", in_sequence)
    for name, way in [("Threads", on_threads), ("Pool", in_processes)]:
        gain = sequence / measure(name, way)
        line = f"{name}: {gain:.1f} times as fast as in sequence"
        print(line, flush=True)
