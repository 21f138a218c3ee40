"""CPU work that the measuring scripts share: see bench/src/work.rs."""

import os
import time


def cores():
    """Returns the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def longest(starts):
    """Returns the length of the longest chain, and its start."""
    best = (0, 0)
    for start in starts:
        n, steps = start, 0
        while n != 1:
            n = n // 2 if n % 2 == 0 else 3 * n + 1
            steps += 1
        if (steps, start) > best:
            best = (steps, start)
    return best


def walk(start, steps):
    """Takes this many steps, continuing with the next chain where one ends."""
    n = start
    for _ in range(steps):
        if n == 1:
            start += 1
            n = start
        elif n % 2 == 0:
            n //= 2
        else:
            n = 3 * n + 1
    return n


def steps_in(seconds):
    """Returns the number of steps of walk that take this long if nothing else runs."""
    steps = 20_000

    def trial():
        started = time.perf_counter()
        walk(1, steps)
        return time.perf_counter() - started

    return max(1, int(steps * seconds / min(trial() for _ in range(20))))
