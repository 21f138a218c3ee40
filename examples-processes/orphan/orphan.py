import os
import subprocess
import sys
import threading
import time


def start(role, **streams):
    return subprocess.Popen(
        [sys.executable, __file__, role], text=True, **streams
    )


# ANCHOR: work
def work():
    def watch():
        for _question in sys.stdin:
            try:
                print("I still work", flush=True)
            except BrokenPipeError:
                pass
        os._exit(0)  # sys.exit would end this thread alone

    threading.Thread(target=watch).start()
    while True:
        time.sleep(1)  # stands for a long job
# ANCHOR_END: work


# ANCHOR: parent
def parent(role):
    # None: the worker inherits the parent's stdin
    stdin = None if role == "careless" else subprocess.PIPE
    worker = start("worker", stdin=stdin)
    print(worker.pid, flush=True)
    work()
# ANCHOR_END: parent


def kill_parent(role):
    parent = start(role, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    worker = parent.stdout.readline().strip()
    line = f"A {role} parent started a worker (process {worker})"
    print(line, flush=True)

    parent.kill()
    parent.wait()
    try:
        os.write(parent.stdin.fileno(), b"Are you there?\n")
    except BrokenPipeError:
        pass  # no reader is left
    answer = parent.stdout.readline().strip() or "nothing"
    print(f"Parent killed; its worker says: {answer}", flush=True)

    parent.stdin.close()
    parent.stdout.read()
    print("Pipe closed; no process is left", flush=True)


match sys.argv[1:]:
    case []:
        kill_parent("careless")
        kill_parent("careful")
    case ["worker"]:
        work()
    case [role]:
        parent(role)
