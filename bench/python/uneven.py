"""Jobs of different lengths: split in advance, or taken one by one."""

from concurrent.futures import ProcessPoolExecutor

from measure import arguments, give, seconds_each
from work import cores, walk

JOBS = 512  # as in uneven.rs
STEPS = 512  # as in uneven.rs


def run(job):
    return walk(job, job * STEPS)


if __name__ == "__main__":
    way, _, seconds = arguments()
    # One chunk per process, or one per job.
    chunk = {"split": -(-JOBS // cores()), "jobs": 1}[way]
    with ProcessPoolExecutor(cores()) as executor:
        list(executor.map(abs, range(cores())))  # starts the processes

        def all_jobs(times):
            for _ in range(times):
                assert sum(executor.map(run, range(1, JOBS + 1), chunksize=chunk)) > 0

        give({"time": seconds_each(seconds, all_jobs) * 1e3})
