import socket  # socket.AF_UNIX: Unix only
import subprocess
import sys
import tempfile


# ANCHOR: server
def serve(listener):
    client, _ = listener.accept()
    with client, client.makefile("rw") as lines:
        for request in lines:
            number = int(request)
            say(f"Server: is asked for the square of {number}")
            print(number * number, file=lines, flush=True)
    say("Server: the client has closed the connection")
# ANCHOR_END: server


# ANCHOR: client
def ask(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(path)
        with server.makefile("rw") as lines:
            for number in 3, 5:
                print(number, file=lines, flush=True)
                square = int(lines.readline())
                say(f"Client: the square of {number} is {square}")
# ANCHOR_END: client


def say(line):
    print(line, flush=True)


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/squares.socket"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            client = subprocess.Popen([sys.executable, __file__, path])
            serve(listener)
            client.wait()


if len(sys.argv) > 1:
    ask(sys.argv[1])
else:
    main()
