import asyncio
import threading
import time


async def waiting_task(started):
    started.set()
    await asyncio.sleep(1)  # cancelled here
    print("Task: done")


def blocking_job(started, finished):
    started.set()
    time.sleep(1)
    print("Blocking job: done")
    finished.set()


async def main():
    task_started, job_started = threading.Event(), threading.Event()
    job_finished = threading.Event()
    task = asyncio.create_task(waiting_task(task_started))
    job = asyncio.create_task(
        asyncio.to_thread(blocking_job, job_started, job_finished)
    )

    await asyncio.to_thread(task_started.wait)
    await asyncio.to_thread(job_started.wait)
    task.cancel()
    job.cancel()
    print("Main: both aborted")

    # asyncio calls both cancelled. But the thread keeps running; asyncio
    # only stops awaiting it.
    await asyncio.wait([task, job])
    fate = "cancelled" if task.cancelled() else "finished"
    print(f"Main: the task was {fate}")
    await asyncio.to_thread(job_finished.wait)
    print("Main: the job was finished")


asyncio.run(main())
