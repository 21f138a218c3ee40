import queue
import threading


class Account:
    def __init__(self, number):
        self.number = number
        self.balance = 100
        self.lock = threading.Lock()


# ANCHOR: broken
def payer_first(payer, payee, both_hold_one):
    with payer.lock:
        both_hold_one.wait()
        with payee.lock:
            payer.balance -= 10
            payee.balance += 10
# ANCHOR_END: broken


# ANCHOR: fixed
def lower_number_first(payer, payee, both_have_started):
    both_have_started.wait()
    pair = [payer, payee]
    first, second = sorted(pair, key=lambda account: account.number)
    with first.lock, second.lock:
        payer.balance -= 10
        payee.balance += 10
# ANCHOR_END: fixed


def pay_each_other(pay):
    anna, ben = Account(1), Account(2)
    barrier, ended = threading.Barrier(2), queue.Queue()

    def run(payer, payee):
        pay(payer, payee, barrier)
        ended.put(None)

    for pair in [(anna, ben), (ben, anna)]:
        # A daemon, because the interpreter waits for all other threads.
        threading.Thread(target=run, args=pair, daemon=True).start()
    try:
        for _ in range(2):
            ended.get(timeout=1)
    except queue.Empty:
        return False
    return True


for order, pay in [
    ("Payer first", payer_first),
    ("Lower number first", lower_number_first),
]:
    outcome = "both paid" if pay_each_other(pay) else "stuck"
    print(f"{order}: {outcome}", flush=True)
