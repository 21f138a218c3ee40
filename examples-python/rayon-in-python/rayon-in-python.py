import subprocess
import sys

import rayon_in_python


# ANCHOR: cores
def all_cores():
    start, threads = rayon_in_python.longest(2_000_000)
    print(f"One call: {start} found by {threads} threads", flush=True)
# ANCHOR_END: cores


def square(n):
    return n * n


# ANCHOR: broken
def holding():
    return rayon_in_python.map_holding(square, [1, 2, 3])
# ANCHOR_END: broken


# ANCHOR: fixed
def detached():
    return rayon_in_python.map_detached(square, [1, 2, 3])
# ANCHOR_END: fixed


def run(way):
    """Runs a way in a process, which can be killed if it is stuck."""
    try:
        done = subprocess.run(
            [sys.executable, __file__, way],
            capture_output=True,
            text=True,
            timeout=5,
        )
        print(f"Callback, {way}: {done.stdout}", end="", flush=True)
    except subprocess.TimeoutExpired:
        print(f"Callback, {way}: stuck, killed after 5 s", flush=True)


if __name__ == "__main__":
    if sys.argv[1:]:
        print({"holding": holding, "detached": detached}[sys.argv[1]]())
    else:
        all_cores()
        run("holding")
        run("detached")
