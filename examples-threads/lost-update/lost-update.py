import threading


class Counter:
    def __init__(self):
        self.value = 0
        self.lock = threading.Lock()


# ANCHOR: broken
def add_in_two_steps(counter, both_have_read):
    seen = counter.value
    both_have_read.wait()
    counter.value = seen + 1
# ANCHOR_END: broken


# ANCHOR: fixed
def add_in_one_step(counter, both_have_started):
    both_have_started.wait()
    with counter.lock:  # += alone is three steps: read, add, write
        counter.value += 1
# ANCHOR_END: fixed


def count(add):
    counter, barrier = Counter(), threading.Barrier(2)
    arguments = (counter, barrier)
    threads = [
        threading.Thread(target=add, args=arguments) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counter.value


print(f"In two steps: {count(add_in_two_steps)} of 2 updates kept")
print(f"In one step: {count(add_in_one_step)} of 2 updates kept")
