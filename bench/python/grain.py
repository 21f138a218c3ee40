"""The job size from which on offloading pays off."""

import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

from measure import arguments, give
from work import cores, steps_in, walk


def main():
    way, size, seconds = arguments()
    steps = steps_in(size / 1e6)
    jobs = max(min(int(seconds / 4 * 1e6 / size), int(seconds * 1e6 / 200)), 2 * cores())
    # As in multiprocessing.Pool: four chunks per worker.
    chunk = max(1, -(-jobs // (4 * cores())))

    def inline():
        return sum(walk(job + 1, steps) for job in range(jobs))

    def one_each():
        futures = [executor.submit(walk, job + 1, steps) for job in range(jobs)]
        return sum(future.result() for future in futures)

    def in_chunks():
        return sum(executor.map(walk, range(1, jobs + 1), [steps] * jobs, chunksize=chunk))

    offloaded = in_chunks if way == "map" else one_each
    pool = ThreadPoolExecutor if way == "threads" else ProcessPoolExecutor
    with pool(cores()) as executor:
        offloaded()
        started = time.perf_counter()
        took_inline, took_offloaded = 0, 0
        while time.perf_counter() - started < seconds:
            began = time.perf_counter()
            expected = inline()
            took_inline += time.perf_counter() - began
            began = time.perf_counter()
            assert offloaded() == expected
            took_offloaded += time.perf_counter() - began
    give({"speed-up": took_inline / took_offloaded})


if __name__ == "__main__":
    main()
