"""The code that the measuring scripts share: see bench/src/measure.rs."""

import json
import statistics
import sys
import time


def arguments():
    """Returns the way, the size, and the seconds to measure."""
    _, way, size, milliseconds = sys.argv
    return way, int(size), int(milliseconds) / 1000


def seconds_each(seconds, run):
    """Returns the seconds that one run takes. run(times) does that many."""

    def batch(times):
        started = time.perf_counter()
        run(times)
        return time.perf_counter() - started

    times = 1
    while (took := batch(times)) < seconds / 20:
        times *= 2
    if took >= seconds:
        return took / times
    end = time.perf_counter() + seconds
    batches = []
    while time.perf_counter() < end:
        batches.append(batch(times))
    return statistics.median(batches) / times


def peak_memory():
    """Returns the peak memory in MiB. From /proc where there is one, because the
    figure of getrusage includes the program that started this one."""
    try:
        with open("/proc/self/status") as status:
            peak = next(line for line in status if line.startswith("VmHWM"))
        return int(peak.split()[1]) / 1024
    except OSError:
        import resource  # not on Windows

        scale = 1 << 20 if sys.platform == "darwin" else 1 << 10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def give(figures):
    """Prints the figures by the name of the measure."""
    print(json.dumps(figures))
