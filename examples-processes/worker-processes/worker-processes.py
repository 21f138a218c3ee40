import multiprocessing
import os
import time


def worker(id):
    # One write for the line and its end: print makes two, and processes can
    # come between them.
    print(f"Worker {id} starting (process {os.getpid()})\n", end="", flush=True)
    time.sleep(2)  # stands for I/O
    print(f"Worker {id} finished\n", end="", flush=True)


# The guard keeps a started process, which imports this file, from starting
# processes in turn.
if __name__ == "__main__":
    workers = [
        multiprocessing.Process(target=worker, args=(id,)) for id in range(5)
    ]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
