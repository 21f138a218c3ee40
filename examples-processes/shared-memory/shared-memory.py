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
def count(how):
    with tempfile.NamedTemporaryFile() as file:
        file.truncate(8)
        shared = Shared(file.name)
        if how == "locked":
            fcntl.flock(shared.file, fcntl.LOCK_EX)
        seen = shared.load()
        child = subprocess.Popen(
            [sys.executable, __file__, how, file.name],
            stdout=subprocess.PIPE,
            text=True,
        )
        first = child.stdout.readline()

    print(f"Parent, {how}: I read {seen}\n{first}", end="", flush=True)
    shared.store(seen + 1)
    print(f"Parent: I wrote {seen + 1}", flush=True)
    if how == "locked":
        fcntl.flock(shared.file, fcntl.LOCK_UN)
    print(child.stdout.read(), end="")
    child.wait()
    print(f"{shared.load()} of 2 updates kept", flush=True)


def child(locked, path):
    shared = Shared(path)
    if locked:
        try:
            fcntl.flock(shared.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Child: I wait for the lock", flush=True)
            fcntl.flock(shared.file, fcntl.LOCK_EX)
    seen = shared.load()
    shared.store(seen + 1)
    print(f"Child: I read {seen} and wrote {seen + 1}", flush=True)
# ANCHOR_END: count


match sys.argv[1:]:
    case []:
        count("unlocked")
        count("locked")
    case [how, path]:
        child(how == "locked", path)
