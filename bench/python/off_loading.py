"""What does it cost to hand over a job? Through Python's two pools of processes."""

import json
import multiprocessing
import os
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor

AT_ONCE = 1_000
MAP_JOBS = 10_000
MEBIBYTE = b"x" * (1 << 20)


def empty():
    pass


def identity(value):
    return value


class Executor:
    def __init__(self, workers):
        self.pool = ProcessPoolExecutor(workers)

    def job(self):
        self.pool.submit(empty).result()

    def jobs(self):
        for future in [self.pool.submit(empty) for _ in range(AT_ONCE)]:
            future.result()

    def map(self):
        return list(self.pool.map(identity, range(MAP_JOBS), chunksize=100))

    def echo(self):
        return self.pool.submit(identity, MEBIBYTE).result()

    def close(self):
        self.pool.shutdown()


class Pool:
    def __init__(self, workers):
        self.pool = multiprocessing.Pool(workers)

    def job(self):
        self.pool.apply(empty)

    def jobs(self):
        for result in [self.pool.apply_async(empty) for _ in range(AT_ONCE)]:
            result.get()

    def map(self):
        return self.pool.map(identity, range(MAP_JOBS), chunksize=100)

    def echo(self):
        return self.pool.apply(identity, (MEBIBYTE,))

    def close(self):
        self.pool.terminate()
        self.pool.join()


def seconds(seconds_in_all, run):
    """How long one takes: the median of batches, so that a moment in which the
    machine did something else does not count."""

    def batch(count):
        start = time.perf_counter()
        for _ in range(count):
            run()
        return time.perf_counter() - start

    count = 1
    while batch(count) < seconds_in_all / 20:
        count *= 2
    end = time.perf_counter() + seconds_in_all
    batches = []
    while time.perf_counter() < end:
        batches.append(batch(count) / count)
    return statistics.median(batches)


def main():
    way = {"executor": Executor, "pool": Pool}[sys.argv[1]]
    time_each = int(sys.argv[3]) / 1000 / 2  # as the Rust contenders
    figures = {}

    if hasattr(os, "sched_setaffinity"):
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(allowed)})  # the workers inherit it
        pool = way(1)
        figures["round trip, one core"] = seconds(time_each, pool.job) * 1e6
        pool.close()
        os.sched_setaffinity(0, allowed)
        workers = len(allowed)
    else:
        workers = os.cpu_count()

    pool = way(workers)
    assert pool.map() == list(range(MAP_JOBS)) and pool.echo() == MEBIBYTE
    figures["round trip, all cores"] = seconds(time_each, pool.job) * 1e6
    figures["empty jobs"] = AT_ONCE / seconds(time_each, pool.jobs)
    figures["map"] = MAP_JOBS / seconds(time_each, pool.map)
    figures["echo of 1 MiB"] = seconds(time_each, pool.echo) * 1e3
    pool.close()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
