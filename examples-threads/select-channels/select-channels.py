from queue import Empty, Queue
from threading import Barrier, Thread

# A Python queue can't wait for two queues either. A tuple says where a
# message comes from.
events = Queue()
both = Barrier(2)


def source(name, values):
    for value in values:
        events.put((name, value))
        both.wait()
    events.put(None)


sources = [
    Thread(target=source, args=("Key", "ab")),
    Thread(target=source, args=("Packet", [1, 2])),
]
for thread in sources:
    thread.start()
open_sources = len(sources)
while open_sources:
    match events.get():
        case (name, value):
            print(f"{name} {value}")
        case None:
            open_sources -= 1
print("In one channel: all received")

try:
    events.get(timeout=0.01)
except Empty:
    print("With a limit: Empty")
