import fcntl  # Unix only
import subprocess
import sys
import tempfile

ROUNDS = 1000


# ANCHOR: count
def count(path):
    for _ in range(ROUNDS):
        with open(path, "r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # waits for other programs
            number = int(file.read())
            file.seek(0)
            file.write(str(number + 1))
# ANCHOR_END: count


# ANCHOR: instance
def run_once(path):
    with open(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            print("Instance: starts", flush=True)
        except BlockingIOError:
            print("Instance: another one is running", flush=True)
# ANCHOR_END: instance


def start(role, path):
    return subprocess.Popen([sys.executable, __file__, role, path])


def main():
    with tempfile.NamedTemporaryFile("r+") as file:
        file.write("0")
        file.flush()
        counters = [start("count", file.name), start("count", file.name)]
        for counter in counters:
            counter.wait()
        file.seek(0)
        print(f"Main: {file.read()} of {2 * ROUNDS}", flush=True)

        fcntl.flock(file, fcntl.LOCK_EX)
        start("instance", file.name).wait()
        fcntl.flock(file, fcntl.LOCK_UN)
        start("instance", file.name).wait()


if len(sys.argv) > 1:
    {"count": count, "instance": run_once}[sys.argv[1]](sys.argv[2])
else:
    main()
