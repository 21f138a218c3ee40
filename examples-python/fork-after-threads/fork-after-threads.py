import multiprocessing
import time
import warnings

import fork_after_threads

LIMIT = 5
WAYS = {
    "rayon": fork_after_threads.sum_on_rayon,
    "tokio": fork_after_threads.sum_on_tokio,
}


def call(way):
    assert WAYS[way]() == 500_500


def start(method, way):
    context = multiprocessing.get_context(method)
    process = context.Process(target=call, args=[way], daemon=True)
    process.start()
    return process


def outcome(process, deadline):
    process.join(max(0, deadline - time.monotonic()))
    if process.exitcode is None:
        process.kill()
        process.join()
        return f"stuck, killed after {LIMIT} s"
    if process.exitcode != 0:
        return f"failed: {process.exitcode}"
    return "done"


def main():
    # Python 3.12 and later warn about a fork if a process has threads.
    warnings.simplefilter("ignore", DeprecationWarning)

    deadline = time.monotonic() + LIMIT
    children = [(way, start("fork", way)) for way in WAYS]
    for way, process in children:
        result = outcome(process, deadline)
        print(f"{way}, forked before: {result}", flush=True)

    for way in WAYS:
        call(way)  # starts the threads in this process

    deadline = time.monotonic() + LIMIT
    children = [
        (way, method, start(method, way))
        for way in WAYS
        for method in ("fork", "spawn", "forkserver")
    ]
    # The forked ones last, because they keep us waiting until the deadline.
    children.sort(key=lambda child: child[1] == "fork")
    for way, method, process in children:
        print(f"{way}, {method}: {outcome(process, deadline)}", flush=True)


if __name__ == "__main__":
    main()
