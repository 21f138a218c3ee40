import threading
import time

import release_gil

LAST = 2_000_000


# ANCHOR: ways
def two_threads(way, longest):
    def work(number):
        heard.append(longest(f"Thread {number} ({way})", LAST))

    heard = []
    threads = [threading.Thread(target=work, args=[n]) for n in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(heard)
# ANCHOR_END: ways


class Heart:  # stands for everything else that the program does
    def __enter__(self):
        self.longest_gap, self.stop = 0, threading.Event()
        self.thread = threading.Thread(target=self.beat)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()

    def beat(self):
        last = time.perf_counter()
        while not self.stop.wait(0.01):  # due every 10 ms
            release_gil.beat()
            now = time.perf_counter()
            self.longest_gap = max(self.longest_gap, now - last)
            last = now


def seconds(function, *arguments):
    started = time.perf_counter()
    result = function(*arguments)
    return result, time.perf_counter() - started


def main():
    _, alone = seconds(release_gil.holding, "Main", LAST)
    for way in ("holding", "detached"):
        longest = getattr(release_gil, way)
        with Heart() as heart:
            heard, took = seconds(two_threads, way, longest)
        gain, gap = 2 * alone / took, heart.longest_gap * 1000
        print(f"{way}: {gain:.2f} times as fast as one after the other")
        line = f"{way}: {heard} heartbeats heard, longest gap {gap:.0f} ms"
        print(line, flush=True)


if __name__ == "__main__":
    main()
