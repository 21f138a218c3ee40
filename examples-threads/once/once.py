from functools import cache
from threading import Lock, Thread

lock = Lock()


@cache
def compute():
    print("Computing the primes")
    return [n for n in range(2, 30) if all(n % d for d in range(2, n))]


def primes():
    # `cache` alone may compute twice when two threads call it at once.
    with lock:
        return compute()


threads = [Thread(target=primes) for _ in range(5)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(f"Five threads have seen {len(primes())} primes")

name = None
for new in "first", "second":
    if name is None:
        name = new
        print(f"The name is set to {name}")
    else:
        print(f"Too late for {new}: it is set")
