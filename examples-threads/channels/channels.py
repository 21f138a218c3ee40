from queue import Queue
from threading import Thread

queue = Queue()
# A Python queue does not know its senders, so each says when it ends.
DONE = None


def work(id):
    for page in 1, 2:
        queue.put(f"Worker {id}: page {page}")
    queue.put(DONE)


for id in range(3):
    Thread(target=work, args=(id,)).start()

running = 3
while running:
    message = queue.get()
    if message is DONE:
        running -= 1
    else:
        print(message)
print("Main: every sender is gone")
