import os
import subprocess
import sys
import threading
import time


def parent():
    child = subprocess.Popen(
        [sys.executable, __file__, "child"], stdin=subprocess.PIPE
    )
    print(f"Process {child.pid} started", flush=True)
    try:
        child.wait(timeout=0.2)
    except subprocess.TimeoutExpired:
        child.kill()
        print("Past its deadline of 200ms: killed", flush=True)
        show_state(child)

    print(f"Waited for: signal: {-child.wait()} (SIGKILL)", flush=True)
    show_state(child)


def show_state(child):  # on Linux only
    try:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    except ChildProcessError:
        pass
    try:
        with open(f"/proc/{child.pid}/status") as status:
            lines = [line for line in status if line.startswith("State:")]
        state = lines[0].removeprefix("State:").strip()
    except FileNotFoundError:
        state = "nothing"
    print(f"In the process table: {state}", flush=True)


def child():
    def watch():
        sys.stdin.read()
        os._exit(0)  # sys.exit would end this thread alone

    threading.Thread(target=watch).start()
    while True:
        time.sleep(1)  # a job that hangs


match sys.argv[1:]:
    case []:
        parent()
    case ["child"]:
        child()
