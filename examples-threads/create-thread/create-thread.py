import threading
import time


def count():
    for i in range(5):
        print(f"Thread: {i}")
        time.sleep(0.4)  # stands for work


worker = threading.Thread(target=count)
worker.start()
worker.join()
print("Main thread: Execution finished")
