import multiprocessing
import threading

counter = 0


def set(who, value):
    global counter
    counter = value
    print(f"{who}: I set the counter to {value}", flush=True)


def show():
    print(f"Main: I see {counter}", flush=True)


if __name__ == "__main__":
    show()
    thread = threading.Thread(target=set, args=("Thread", 1))
    thread.start()
    thread.join()
    show()
    process = multiprocessing.Process(target=set, args=("Child process", 2))
    process.start()
    process.join()
    show()
