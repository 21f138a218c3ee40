from collections import deque
from threading import Condition, Thread

jobs = deque()
changed = Condition()  # a lock and a condition in one


def push(job):
    with changed:
        jobs.append(job)
        changed.notify()


def pop():
    with changed:
        while not jobs:  # not `if`, for the same reasons
            changed.wait()
        return jobs.popleft()


def work(id):
    job = pop()
    print(f"Worker {id}: job {job}\n", end="")


workers = [Thread(target=work, args=(id,)) for id in range(2)]
for worker in workers:
    worker.start()
push(7)
push(8)
for worker in workers:
    worker.join()
print("Main: both jobs are done")
