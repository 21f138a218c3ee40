from threading import Thread, local

here = local()  # each thread sees its own attributes


def call():
    here.calls = getattr(here, "calls", 0) + 1


def run():
    call()
    global in_thread
    in_thread = here.calls


call()
call()
thread = Thread(target=run)
thread.start()
thread.join()
print(f"Calls in main: {here.calls}")
print(f"Calls in the thread: {in_thread}")
