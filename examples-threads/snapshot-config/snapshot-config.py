from dataclasses import dataclass
from threading import Event, Thread


@dataclass(frozen=True)
class Config:
    host: str
    port: int

    def __del__(self):
        print(f"Dropped: {self.host}")


# Assigning to a name is a single step, so no lock is needed.
current = Config("one.example", 8001)
started, replaced = Event(), Event()


def requests():
    config = current  # a snapshot: keeps the old configuration alive
    print(f"Request 1: connects to {config.host}")
    started.set()
    replaced.wait()
    print(f"Request 1: still {config.host}:{config.port}")
    del config
    config = current
    print(f"Request 2: {config.host}:{config.port}")


thread = Thread(target=requests)
thread.start()
started.wait()
current = Config("two.example", 8002)
print("Main: replaced")
replaced.set()
thread.join()
