import os
from multiprocessing import Pool

JOBS_PER_WORKER = 3


def work(job):
    return f"{job * job} (process {os.getpid()})"


if __name__ == "__main__":
    with Pool(1, maxtasksperchild=JOBS_PER_WORKER) as pool:
        for job in range(1, 8):
            if job % JOBS_PER_WORKER == 1:
                print("Main: starts a worker")  # the pool does it
            print(f"Job {job}: {pool.apply(work, [job])}")
