import subprocess


def start():
    return subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def write_while_reading(size):
    # communicate() writes and reads at the same time, for this very reason.
    with start() as cat:
        output, _ = cat.communicate(bytes(size))
    return len(output)


for kibibytes in 64, 1024:
    came_back = write_while_reading(kibibytes * 1024) // 1024
    print(f"Write while reading: {came_back} of {kibibytes} KiB")
