import multiprocessing
import os
import time


def worker(id):
    say(f"Worker {id} starting (process {os.getpid()})")
    time.sleep(2)  # stands for I/O
    say(f"Worker {id} finished")


def say(line):
    # One write for the line and its end: print makes two, and the output of
    # another process could come between them.
    print(f"{line}\n", end="", flush=True)


# The guard keeps a started process, which imports this file, from starting
# processes in turn.
if __name__ == "__main__":
    workers = [
        multiprocessing.Process(target=worker, args=(id,))
        for id in range(5)
    ]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
