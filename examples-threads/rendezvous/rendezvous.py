from queue import Full, Queue
from threading import Thread

MESSAGES = 3

# In Python a size of 0 means that there is no limit.
messages = Queue(0)
sent = 0


def send():
    global sent
    for message in range(MESSAGES):
        messages.put(message)
        messages.join()  # waits for `task_done`
        sent += 1


sender = Thread(target=send)
sender.start()
max_ahead = 0
for received in range(MESSAGES):
    max_ahead = max(max_ahead, sent - received)
    messages.get()
    messages.task_done()
sender.join()
print(f"The sender was {max_ahead} messages ahead")

try:
    messages.put_nowait("hello")
    print("No receiver waits: the queue takes the message")
except Full as error:
    print(f"No receiver waits: {error}")
print(f"A receiver waits: {messages.get()!r}")
