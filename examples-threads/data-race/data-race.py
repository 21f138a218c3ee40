import threading

hits = 0
lock = threading.Lock()


def hit():
    global hits
    with lock:  # leave it out, and Python neither complains nor always counts to 5
        hits += 1


threads = [threading.Thread(target=hit) for _ in range(5)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(f"{hits} hits")
