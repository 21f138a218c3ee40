import threading

hits = 0
lock = threading.Lock()


def hit():
    global hits
    with lock:  # Python does not complain if you leave it out
        hits += 1


threads = [threading.Thread(target=hit) for _ in range(5)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(f"{hits} hits")
