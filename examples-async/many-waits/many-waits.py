import argparse
import asyncio
import subprocess
import sys
import threading
import time

WAIT = 1  # in seconds; all together cannot take less


# ANCHOR: ways
def on_threads(count):
    threads = []
    try:
        for _ in range(count):
            thread = threading.Thread(target=time.sleep, args=(WAIT,))
            thread.start()
            threads.append(thread)
    except RuntimeError as error:
        started = len(threads)
        sys.exit(f"error: only {started} of {count} threads started: {error}")
    finally:
        for thread in threads:
            thread.join()


def in_tasks(count):
    async def wait_for_all():
        await asyncio.gather(*(asyncio.sleep(WAIT) for _ in range(count)))

    asyncio.run(wait_for_all())
# ANCHOR_END: ways


def peak_memory():
    try:
        with open("/proc/self/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass  # not Linux
    try:
        import resource  # not on Windows
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def measure(count, name, way):
    before = peak_memory()
    started = time.perf_counter()
    way(count)
    took = time.perf_counter() - started

    memory = "memory not known"
    if before is not None:
        peak = peak_memory()
        each = (peak - before) // count
        memory = f"{peak / 2**20:.1f} MiB at most, {each} bytes a wait"
    over = max(took - WAIT, 0)
    print(f"{count} {name}: {took:.3f} s, {over:.3f} s over the floor; {memory}")


def all_ways():
    print(f"Waits of {WAIT} s, each way in a process of its own", flush=True)
    for way, count in [("--threads", 1000), ("--tasks", 20000)]:
        program = [sys.executable, __file__, way, str(count)]
        if subprocess.run(program).returncode != 0:
            sys.exit(1)


def up_to(most):
    def count(text):
        if not 1 <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text} is not in 1..={most}")
        return int(text)

    return count


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--threads", metavar="N", type=up_to(30_000))
    way.add_argument("--tasks", metavar="N", type=up_to(5_000_000))
    arguments = parser.parse_args()
    if arguments.threads:
        measure(arguments.threads, "threads", on_threads)
    elif arguments.tasks:
        measure(arguments.tasks, "tasks", in_tasks)
    else:
        all_ways()
