import os
import resource  # on Unix only
import signal
import subprocess
import sys

JOBS = ["abort", "kill", "memory", "fail", "compute"]


def job(name):
    limit(resource.RLIMIT_CORE, 0)
    match name:
        case "abort":
            os.abort()
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "memory":
            limit(resource.RLIMIT_AS, 256 << 20)
            hoard = bytearray()
            while len(hoard) < 1 << 30:
                hoard += bytes(1 << 20)
            sys.exit("the limit did not stop it")
        case "fail":
            sys.exit("Error: this is no number: seven")
        case "compute":
            print(6 * 7)


def limit(which, bytes):
    resource.setrlimit(which, (bytes, bytes))


def run(job):
    child = subprocess.run(
        [sys.executable, __file__, job], capture_output=True, text=True
    )
    said = (child.stdout + child.stderr).splitlines()
    last_line = said[-1] if said else "nothing"  # after the traceback
    print(f"{job}: {status(child.returncode)}; it said: {last_line}")
    return child.returncode == 0


def status(code):
    if code < 0:
        return f"signal: {-code} ({signal.Signals(-code).name})"
    return f"exit status: {code}"


match sys.argv[1:]:
    case []:
        done = sum(run(job) for job in JOBS)
        print(f"{done} of {len(JOBS)} jobs done, and this program goes on")
    case [name]:
        job(name)
