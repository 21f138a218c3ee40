"""Jobs on Celery and on RQ, both over Redis.

The arguments are the way, the address of Redis, how many worker processes to
start, how many milliseconds to measure, and the names of the measures. Instead
of measures, "waiting" and a number put so many jobs into the queue and leave
them there.
"""

import subprocess
import sys
import time

import celery
import redis
import rq

from measure import give, seconds_each
from queue_jobs import empty, sleep, spin

# The time limit of a job.
LIMIT = 60

JOBS = {"empty jobs": empty, "1 ms jobs": spin, "100 ms jobs": sleep}

app = celery.Celery("job_queues")
app.conf.worker_disable_rate_limits = True
TASKS = {job: app.task(job, name=job.__name__) for job in JOBS.values()}


class Celery:
    def __init__(self, address):
        app.conf.update(broker_url=address, result_backend=address)

    @staticmethod
    def worker_commands(address, workers):
        # Gossip, mingle and heartbeat let workers watch each other, which costs time.
        options = "--pool prefork --without-gossip --without-mingle --without-heartbeat"
        yield [
            *("celery", "-A", "job_queues", "-b", address, "--result-backend", address),
            *("worker", *options.split(), "--loglevel", "ERROR"),
            *("--concurrency", str(workers)),
        ]

    def wait_for_workers(self, _):
        pass  # they are processes of one program, which starts all of them first

    def run(self, job, number):
        return TASKS[job].delay(number).get(timeout=LIMIT)

    def send(self, job, numbers):
        return celery.group(TASKS[job].s(number) for number in numbers).apply_async()

    def map(self, job, numbers):
        # Not get(), which sometimes waits for up to a second after the last result.
        return self.send(job, numbers).join(timeout=LIMIT)


class RQ:
    worker_class = "rq.Worker"

    def __init__(self, address):
        self.queue = rq.Queue(connection=redis.Redis.from_url(address))

    @classmethod
    def worker_commands(cls, address, workers):
        for _ in range(workers):
            yield [
                *("rq.cli", "worker", "--url", address, "--quiet"),
                *("--worker-class", cls.worker_class),
            ]

    def wait_for_workers(self, workers):
        end = time.monotonic() + LIMIT
        while rq.Worker.count(queue=self.queue) < workers:
            assert time.monotonic() < end, "the workers do not start"
            time.sleep(0.01)

    def run(self, job, number):
        return self.result(self.queue.enqueue(job, number))

    def send(self, job, numbers):
        return self.queue.enqueue_many(rq.Queue.prepare_data(job, (number,)) for number in numbers)

    def map(self, job, numbers):
        return [self.result(sent) for sent in self.send(job, numbers)]

    @staticmethod
    def result(job):
        return job.latest_result(timeout=LIMIT).return_value


class SimpleRQ(RQ):
    worker_class = "rq.SimpleWorker"


WAYS = {"celery": Celery, "rq": RQ, "simple-rq": SimpleRQ}


def per_second(queue, job, seconds, workers):
    """Returns the jobs per second. Repeats with twice as many until
    that takes long enough for the beginning and the end not to matter, twice in
    a row: Celery sometimes stalls for a second before the first result. The
    better of the two counts."""

    def batch():
        started = time.perf_counter()
        results = queue.map(job, range(many))
        took = time.perf_counter() - started
        assert results == list(range(1, many + 1)), "a wrong result"
        return took

    many = workers
    while True:
        took = batch()
        if took >= 2 * seconds:
            again = batch()
            if again >= 2 * seconds:
                return many / min(took, again)
        many *= 2


def round_trip(queue, seconds):
    """Returns the milliseconds that an empty job takes."""

    def run(times):
        for number in range(times):
            assert queue.run(empty, number) == number + 1, "a wrong result"

    return seconds_each(seconds, run) * 1000


def measure(queue, measures, seconds, workers):
    queue.wait_for_workers(workers)
    queue.map(empty, range(20 * workers))  # every process has had its first jobs
    for name in measures:
        if name == "round trip":
            yield name, round_trip(queue, seconds)
        else:
            yield name, per_second(queue, JOBS[name], seconds, workers)


def main():
    way, address, workers, milliseconds, *measures = sys.argv[1:]
    queue = WAYS[way](address)
    if measures[0] == "waiting":
        queue.send(empty, range(int(measures[1])))
        give({})
        return
    workers, seconds = int(workers), int(milliseconds) / 1000
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=sys.path[0],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for command in queue.worker_commands(address, workers)
    ]
    try:
        figures = dict(measure(queue, measures, seconds, workers))
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=LIMIT)
    give(figures)


if __name__ == "__main__":
    main()
