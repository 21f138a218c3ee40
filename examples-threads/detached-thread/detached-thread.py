import threading
import time


def work():
    time.sleep(1)  # stands for work
    # Happens: the interpreter joins the thread before it exits.
    print("Thread: work saved")


threading.Thread(target=work).start()
print("Main thread: Execution finished")
