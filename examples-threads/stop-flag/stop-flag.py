from threading import Event, Thread
from time import sleep

stop = Event()
done = 0


def work():
    global done
    while not stop.is_set():
        done += 1  # stands for one job
    print("Worker: asked to stop")


worker = Thread(target=work)
worker.start()
while done < 1000:
    sleep(0)
print("Main: 1000 jobs are done")
stop.set()
worker.join()
print("Main: the worker has ended")
