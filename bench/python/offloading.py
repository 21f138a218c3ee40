"""The cost of dispatching a job to one of Python's two process pools."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

from measure import arguments, give, seconds_each
from work import cores

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


def often(run):
    def runs(times):
        for _ in range(times):
            run()

    return runs


def main():
    way, _, seconds = arguments()
    pool_of = {"executor": Executor, "pool": Pool}[way]
    figures = {}

    def measure(run):
        return seconds_each(seconds / 2, often(run))  # as the Rust implementations

    if hasattr(os, "sched_setaffinity"):
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(allowed)})  # the workers inherit it
        pool = pool_of(cores())
        figures["round trip, one core"] = measure(pool.job) * 1e6
        pool.close()
        os.sched_setaffinity(0, allowed)

    pool = pool_of(cores())
    assert pool.map() == list(range(MAP_JOBS)) and pool.echo() == MEBIBYTE
    figures["round trip, all cores"] = measure(pool.job) * 1e6
    figures["empty jobs"] = AT_ONCE / measure(pool.jobs)
    figures["map"] = MAP_JOBS / measure(pool.map)
    figures["echo of 1 MiB"] = measure(pool.echo) * 1e3
    pool.close()
    give(figures)


if __name__ == "__main__":
    main()
