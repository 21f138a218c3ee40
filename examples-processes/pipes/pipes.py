import subprocess
import sys


def child():
    for request in sys.stdin:
        # Without flush=True, Python buffers what it writes to a pipe.
        print(square(request), flush=True)


def square(request):
    try:
        number = int(request)
    except ValueError:
        number = -1
    if not 0 <= number < 2**32:
        return "error: not a whole number below 2^32"
    return number**2


def parent():
    child = subprocess.Popen(
        [sys.executable, __file__, "child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    for request in ["12", "a dozen"]:
        print(f"Parent: what is {request} squared?")
        print(request, file=child.stdin, flush=True)
        print(f"Child: {child.stdout.readline()}", end="")

    child.stdin.close()
    status = f"exit status: {child.wait()}"
    print(f"Parent: I closed the pipe, and the child ended, {status}")


match sys.argv[1:]:
    case []:
        parent()
    case ["child"]:
        child()
