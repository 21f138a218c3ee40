"""The jobs of job_queues.py, in a module of their own: a worker of RQ imports it for
each job, in a process that it forks for this job.
"""

import time


def empty(number):
    return number + 1


def spin(number):
    """Uses 1 ms of CPU time, however often it is interrupted."""
    end = time.thread_time_ns() + 1_000_000
    while time.thread_time_ns() < end:
        pass
    return number + 1


def sleep(number):
    time.sleep(0.1)
    return number + 1
