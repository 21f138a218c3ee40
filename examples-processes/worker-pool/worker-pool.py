import os
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool


def count_primes(below):
    if below == 0:
        raise ValueError("below 0 is nothing")
    count = 0
    for n in range(2, below):
        d = 2
        while d * d <= n and n % d != 0:
            d += 1
        count += d * d > n
    return count


def crash(_):
    os.abort()  # as a bug in C code would


if __name__ == "__main__":
    with ProcessPoolExecutor(max_workers=2) as pool:
        primes = pool.submit(count_primes, 100_000).result()
        print(f"Primes below 100000: {primes}")

        tens = [10**n for n in range(1, 6)]
        counts = list(pool.map(count_primes, tens))
        print(f"Below 10, 100, ... 100000: {counts}")

        for name, task in [("refuses", count_primes), ("crashes", crash)]:
            try:
                print(f"A job {name}: {pool.submit(task, 0).result()}")
            except Exception as error:
                print(f"A job {name}: {error!r}")

        # A job that runs forever could not be stopped, and the end of the
        # `with` would wait for it.
        try:
            primes = pool.submit(count_primes, 1000).result()
            print(f"The pool goes on. Primes below 1000: {primes}")
        except BrokenProcessPool as error:
            print(f"The pool is broken: {error}")
