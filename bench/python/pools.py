"""Measures Python's process pools. Reads lines like `executor-round-trip 1000`
and answers each with the nanoseconds that so many took."""

import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor

MEBIBYTE = b"x" * (1 << 20)


def empty(_=None):
    pass


def identity(value):
    return value


def main():
    workers = multiprocessing.cpu_count()
    # Started only when asked for, so that neither disturbs the other.
    started = {}

    def executor():
        return started.setdefault("executor", ProcessPoolExecutor(workers))

    def pool():
        if "pool" not in started:
            started["pool"] = multiprocessing.Pool(workers)
        return started["pool"]

    def executor_round_trip(times):
        for _ in range(times):
            executor().submit(empty).result()

    def executor_jobs(times):
        for future in [executor().submit(empty) for _ in range(times)]:
            future.result()

    def executor_echo(times):
        for _ in range(times):
            executor().submit(identity, MEBIBYTE).result()

    def pool_round_trip(times):
        for _ in range(times):
            pool().apply(empty)

    def pool_jobs(times):
        for result in [pool().apply_async(empty) for _ in range(times)]:
            result.get()

    def pool_map(times):
        for _ in range(times):
            pool().map(identity, range(10_000), chunksize=100)

    commands = {
        "executor-round-trip": executor_round_trip,
        "executor-jobs": executor_jobs,
        "executor-echo": executor_echo,
        "pool-round-trip": pool_round_trip,
        "pool-jobs": pool_jobs,
        "pool-map": pool_map,
    }
    for line in sys.stdin:
        name, times = line.split()
        command = commands[name]
        command(1)  # the processes are there
        start = time.perf_counter_ns()
        command(int(times))
        print(time.perf_counter_ns() - start, flush=True)

    if "executor" in started:
        started["executor"].shutdown()
    if "pool" in started:
        started["pool"].terminate()


if __name__ == "__main__":
    main()
