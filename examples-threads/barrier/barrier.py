from threading import Barrier, Thread

barrier = Barrier(3)


def work(id):
    print(f"Worker {id}: loaded its part\n", end="")
    if barrier.wait() == 0:  # each thread gets a different number
        print("Leader: every part is loaded\n", end="")
    barrier.wait()
    print(f"Worker {id}: computes\n", end="")


for id in range(3):
    Thread(target=work, args=(id,)).start()
