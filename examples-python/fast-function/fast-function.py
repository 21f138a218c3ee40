import sys
import time

LAST = 300_000


def longest(last):
    best = (0, 0)
    for start in range(1, last + 1):
        n, steps = start, 0
        while n != 1:
            n = n // 2 if n % 2 == 0 else 3 * n + 1
            steps += 1
        best = max(best, (steps, start))
    return best


def measure(way, function):
    started = time.perf_counter()
    steps, start = function(LAST)
    took = time.perf_counter() - started
    line = f"{way}: {start} takes {steps} steps, found in {took:.4f} s"
    print(line, flush=True)
    return took


def compare():
    import fast_function  # the Rust module

    before = measure("Python", longest)
    for way, function in [
        ("Rust", fast_function.longest),
        ("Rust, detached", fast_function.longest_detached),
        ("Rust on all cores", fast_function.longest_parallel),
    ]:
        gain = before / measure(way, function)
        print(f"{way}: {gain:.0f} times as fast", flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["before"]:  # to be measured without the Rust module
        measure("Python", longest)
    else:
        compare()
