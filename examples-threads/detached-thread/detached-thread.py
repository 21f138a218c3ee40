import threading
import time


def work():
    time.sleep(1)  # stands for work
    print("Thread: work saved")  # happens: the interpreter joins the thread before it exits


threading.Thread(target=work).start()
print("Main thread: Execution finished")
