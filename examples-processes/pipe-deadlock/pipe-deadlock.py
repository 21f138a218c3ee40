import subprocess
import sys

CAPACITY = 65_536  # what a pipe holds on Linux


def child(size):
    sys.stdout.buffer.write(bytes(size))  # everything first
    sys.stdout.flush()
    sys.stdin.buffer.read()


def write_while_reading(size):
    # communicate() writes and reads at the same time, for this very reason.
    command = [sys.executable, __file__, str(size)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as process:
        output, _ = process.communicate(bytes(size))
    return len(output)


if sys.argv[1:]:
    child(int(sys.argv[1]))
else:
    for size in CAPACITY, CAPACITY + 1:
        read = write_while_reading(size)
        print(f"Write while reading: {read} of {size} bytes")
