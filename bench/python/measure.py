"""What the measuring scripts share: see bench/src/measure.rs."""

import json
import sys
import time


def arguments():
    """The way, the size, and how many seconds to measure."""
    _, way, size, milliseconds = sys.argv
    return way, int(size), int(milliseconds) / 1000


def mean(seconds, run):
    """How many seconds one run takes on average; run(times) does so many."""
    times = 1

    def mean_in(seconds):
        nonlocal times
        took, done = 0, 0
        while took < seconds:
            started = time.perf_counter()
            run(times)
            this = time.perf_counter() - started
            took += this
            done += times
            if this < seconds / 50:
                times *= 2
        return took / done, took

    first, took = mean_in(seconds / 10)
    return first if took >= seconds else mean_in(seconds)[0]


def give(**figures):
    """Prints the figures. What stands for a space in their names is _."""
    print(json.dumps({name.replace("_", " "): figure for name, figure in figures.items()}))
