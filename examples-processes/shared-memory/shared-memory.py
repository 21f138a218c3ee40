import fcntl  # on Unix only
import mmap
import struct
import subprocess
import sys
import tempfile


# ANCHOR: share
class Shared:
    def __init__(self, path):
        self.file = open(path, "r+b")
        self.map = mmap.mmap(self.file.fileno(), 8)

    def load(self):
        return struct.unpack("=Q", self.map[:])[0]

    def store(self, value):
        self.map[:] = struct.pack("=Q", value)
# ANCHOR_END: share


# ANCHOR: count
def parent():
    with tempfile.NamedTemporaryFile() as file:
        file.truncate(8)
        shared = Shared(file.name)
        child = subprocess.Popen(
            [sys.executable, __file__, file.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        ready = child.stdout.readline()
    print(ready, end="", flush=True)

    for request in ["Add 1 without a lock", "Add 1 with the lock"]:
        shared.store(0)
        fcntl.flock(shared.file, fcntl.LOCK_EX)
        seen = shared.load()
        print(f"Parent: {request}", flush=True)
        print(request, file=child.stdin, flush=True)
        print(child.stdout.readline(), end="", flush=True)
        shared.store(seen + 1)
        print(f"Parent: I read {seen} and wrote {seen + 1}", flush=True)
        fcntl.flock(shared.file, fcntl.LOCK_UN)
        if "with the lock" in request:
            print(child.stdout.readline(), end="", flush=True)
        print(f"{shared.load()} of 2 updates kept", flush=True)
    child.communicate()  # closes its stdin, and waits


def child(path):
    shared = Shared(path)
    print("Child: I share the memory", flush=True)
    for request in sys.stdin:
        if "with the lock" in request:
            try:
                fcntl.flock(shared.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print("Child: I wait for the lock", flush=True)
                fcntl.flock(shared.file, fcntl.LOCK_EX)
        seen = shared.load()
        shared.store(seen + 1)
        print(f"Child: I read {seen} and wrote {seen + 1}", flush=True)
        fcntl.flock(shared.file, fcntl.LOCK_UN)
# ANCHOR_END: count


match sys.argv[1:]:
    case []:
        parent()
    case [path]:
        child(path)
