from queue import SimpleQueue
from threading import Lock, Thread
from time import sleep

# A Python queue has many receivers, and locks itself only while it is used.
jobs = SimpleQueue()
lock = Lock()
running = most = 0


def worker():
    global running, most
    while (job := jobs.get()) is not None:
        with lock:
            running += 1
            most = max(most, running)
        sleep(0.05)  # stands for the work
        with lock:
            running -= 1


for job in range(6):
    jobs.put(job)
workers = [Thread(target=worker) for _ in range(3)]
for thread in workers:
    thread.start()
    jobs.put(None)  # one end mark for each worker
for thread in workers:
    thread.join()
print(f"Lock held while taking: {most} at once")
