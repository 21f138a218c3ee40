import threading
import time


def worker(id):
    # One write for the line and its end: print makes two, and the output of
    # another thread could come between them.
    print(f"Worker {id} starting\n", end="")
    time.sleep(2)  # stands for I/O
    print(f"Worker {id} finished\n", end="")


workers = [threading.Thread(target=worker, args=(id,)) for id in range(5)]
for w in workers:
    w.start()
for w in workers:
    w.join()
