from queue import Full, Queue
from threading import Thread

MESSAGES = 100_000

# Without a size, `put` never waits, so all messages can pile up in memory.
queue = Queue()
for message in range(MESSAGES):
    queue.put(message)
print(f"Unbounded: {queue.qsize()} messages waited")

# At most ten messages wait. After that `put` blocks until there is room.
queue = Queue(10)
sent = max_ahead = 0


def produce():
    global sent
    for message in range(MESSAGES):
        queue.put(message)
        sent += 1


Thread(target=produce).start()
for received in range(MESSAGES):
    queue.get()
    max_ahead = max(max_ahead, sent - received)
print("Bounded: never more than 11 ahead:", str(max_ahead <= 11).lower())

# Where blocking is not an option, `put_nowait` fails at once.
queue = Queue(1)
for number in 1, 2:
    try:
        queue.put_nowait(number)
        print(f"Message {number}: sent")
    except Full:
        print(f"Message {number}: the channel is full")
