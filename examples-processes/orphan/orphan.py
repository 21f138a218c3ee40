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


def parent(stdin):
    worker = start("worker", stdin=stdin)
    print(worker.pid, flush=True)
    work()


# ANCHOR: broken
def careless():
    parent(None)  # inherits it
# ANCHOR_END: broken


# ANCHOR: mended
def careful():
    parent(subprocess.PIPE)
# ANCHOR_END: mended


def kill_parent(kind):
    parent = start(kind, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    worker = parent.stdout.readline().strip()
    print(f"A {kind} parent started a worker (process {worker})", flush=True)

    parent.kill()
    parent.wait()
    try:
        os.write(parent.stdin.fileno(), b"Is anybody there?\n")
    except BrokenPipeError:
        pass  # nobody
    if answer := parent.stdout.readline():
        print(f"Parent killed; its worker: {answer}", end="", flush=True)
    else:
        print("Parent killed; its worker has left", flush=True)

    parent.stdin.close()
    parent.stdout.read()
    print("Pipe closed; nobody is left", flush=True)


match sys.argv[1:]:
    case []:
        kill_parent("careless")
        kill_parent("careful")
    case ["careless"]:
        careless()
    case ["careful"]:
        careful()
    case ["worker"]:
        work()
